/*
 * Encodes a picture, decodes it and reads both, then restores and reads it as a page: every step of the C library once.
 *
 *   cc -std=c11 -I native/include native/capi/example.c -L artifacts/capi -ltfic_c -Wl,-rpath,artifacts/capi -o example
 *   ./example [CODEC-FILE]
 *
 * The picture is a word that the program draws, so that it needs no file. CODEC-FILE is a codec's model file; without
 * it the codec that ships is used. Exit status: 0 if all went well, 1 if not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tfic.h"

enum { SCALE = 6, LETTERS = 4, WIDTH = (6 * LETTERS + 3) * SCALE, HEIGHT = 11 * SCALE, MARGIN = 2 * SCALE };

/* Letters of 5 by 7 dots, a row in each number, the leftmost dot in bit 4. */
static const unsigned char text_dots[LETTERS][7] = {
    {31, 4, 4, 4, 4, 4, 4},       /* T */
    {31, 16, 16, 30, 16, 16, 16}, /* F */
    {14, 4, 4, 4, 4, 4, 14},      /* I */
    {14, 17, 16, 16, 16, 17, 14}, /* C */
};

static void draw(uint8_t *grey) {
    memset(grey, 255, (size_t)WIDTH * HEIGHT);
    for (int letter = 0; letter < LETTERS; letter++)
        for (int y = 0; y < 7 * SCALE; y++)
            for (int x = 0; x < 5 * SCALE; x++)
                if (text_dots[letter][y / SCALE] >> (4 - x / SCALE) & 1)
                    grey[(MARGIN + y) * WIDTH + MARGIN + 6 * SCALE * letter + x] = 0;
}

/* Ends the program if a call failed. */
static void check(tfic_status status, const char *what) {
    if (status == TFIC_OK) return;
    fprintf(stderr, "%s: status %d: %s\n", what, (int)status, tfic_last_error());
    exit(1);
}

static void read_and_print(tfic_recogniser *recogniser, const char *what, const uint8_t *pixels, int32_t width,
                           int32_t height, int32_t channels) {
    char *text;
    double confidence;
    check(tfic_read_line(recogniser, pixels, width, height, channels, (size_t)width * (size_t)channels, &text,
                         &confidence),
          "read");
    printf("%-8s reads \"%s\", confidence %.3f\n", what, text, confidence);
    tfic_free(text);
}

int main(int argc, char **argv) {
    tfic_codec *codec;
    tfic_recogniser *recogniser;
    check(argc > 1 ? tfic_codec_open_file(argv[1], 1, &codec) : tfic_codec_open(NULL, 1, &codec), "codec");
    check(tfic_recogniser_open(NULL, 1, &recogniser), "recogniser");

    static uint8_t picture[WIDTH * HEIGHT];
    draw(picture);
    printf("tfic %s, %d x %d pixels\n", tfic_version(), WIDTH, HEIGHT);
    read_and_print(recogniser, "picture", picture, WIDTH, HEIGHT, 1);

    uint8_t *file, *pixels;
    size_t size;
    int32_t width, height, channels;
    check(tfic_encode(codec, picture, WIDTH, HEIGHT, 1, WIDTH, 4, &file, &size), "encode");
    printf("encoded: %zu bytes, %.3f bits per pixel\n", size, 8.0 * (double)size / (WIDTH * HEIGHT));
    check(tfic_decode(codec, file, size, &pixels, &width, &height, &channels), "decode");
    if (width != WIDTH || height != HEIGHT || channels != 1) {
        fprintf(stderr, "decoded to %d x %d x %d\n", (int)width, (int)height, (int)channels);
        return 1;
    }
    read_and_print(recogniser, "decoded", pixels, width, height, channels);
    tfic_free(pixels);

    /* The same as a page: its words are found first, and before that it is cleaned of what JPEG may have done. */
    tfic_detector *detector;
    tfic_restorer *restorer;
    uint8_t *restored;
    char *text;
    tfic_word *words;
    size_t count;
    check(tfic_detector_open(NULL, 1, &detector), "detector");
    check(tfic_restorer_open(NULL, 1, &restorer), "restorer");
    check(tfic_restore(restorer, NULL, NULL, picture, WIDTH, HEIGHT, 1, WIDTH, &restored), "restore");
    check(tfic_read_page(detector, recogniser, restored, WIDTH, HEIGHT, 1, WIDTH, &text, &words, &count), "page");
    for (size_t i = 0; i < count; i++)
        printf("word     \"%s\" at %d, %d to %d, %d\n", words[i].text, (int)words[i].left, (int)words[i].top,
               (int)words[i].right, (int)words[i].bottom);
    tfic_free(words);
    tfic_free(text);
    tfic_free(restored);
    tfic_restorer_close(restorer);
    tfic_detector_close(detector);

    /* Damage is noticed, and says so. */
    if (tfic_decode(codec, file, size - 1, &pixels, &width, &height, &channels) != TFIC_BAD_FORMAT) return 1;
    printf("damaged: %s\n", tfic_last_error());

    tfic_free(file);
    tfic_codec_close(codec);
    tfic_recogniser_close(recogniser);
    return 0;
}
