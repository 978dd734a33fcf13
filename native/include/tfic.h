/*
 * tfic.h: encode pictures to .tfic, decode them, read lines and pages of text, restore pages that JPEG has ruined. C11,
 * usable from C++.
 *
 * The library (libtfic_c.so, libtfic_c.dylib or tfic_c.dll) needs nothing beside it; the models that ship are inside.
 * If libtfic_native lies in the folder of the program, its kernels are used too. On x86-64 the processor must have the
 * instructions that the library was published for, by default AVX2 and fused multiplication: where they are missing,
 * the first call ends the program.
 *
 * Status. A function that can fail returns a tfic_status. After any value but TFIC_OK its outputs are NULL and 0, and
 * tfic_last_error says what was wrong. An output that is itself NULL is an error unless stated otherwise.
 *
 * Pictures are 8 bits a sample, grey (1 channel) or red, green, blue interleaved (3 channels), sRGB, the top row
 * first. The stride is the distance in bytes from a row to the next, at least width * channels. A picture that is
 * given has sides of 1 to 1048576 pixels and 100 million pixels at most; it is not changed nor kept.
 *
 * Memory. What a function gives out (files, pixels, text) belongs to the caller, who releases it with tfic_free.
 * Opening a handle takes some megabytes; it keeps the memory that its largest picture needed until it is closed.
 *
 * Threads. Every function may be called from any thread, also with the same handle at the same time. Closing a handle
 * that another thread is using is harmless: the call that is under way ends well, later ones fail.
 *
 * Text is UTF-8. The environment variable TFIC_VARIANT forces variants of kernels, as in the tfic command.
 */
#ifndef TFIC_H
#define TFIC_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define TFIC_IMPORT __declspec(dllimport)
#else
#define TFIC_IMPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tfic_status {
    TFIC_OK = 0,
    TFIC_INVALID_ARGUMENT = 1, /* NULL, a size, quality or stride out of range, a handle that is not open */
    TFIC_UNKNOWN_MODEL = 2,    /* no model of that name ships; the message lists those that do */
    TFIC_BAD_FORMAT = 3,       /* a file that is damaged, of another kind, too large, or made with another model */
    TFIC_IO_ERROR = 4,         /* a file that cannot be opened or read */
    TFIC_OUT_OF_MEMORY = 5,
    TFIC_INTERNAL_ERROR = 6 /* a fault of the library */
} tfic_status;

/* The layers of a file: codings of the same picture, each of which decodes alone. */
typedef enum tfic_layer {
    TFIC_LAYER_ANY = 0,  /* the one for text, or if there is none the base layer */
    TFIC_LAYER_TEXT = 1, /* keeps the text of the picture legible */
    TFIC_LAYER_BASE = 2  /* for the eye */
} tfic_layer;

/* Models that are open: a codec, a recogniser of words and lines, a detector of words, a restorer of pages. */
typedef struct tfic_codec tfic_codec;
typedef struct tfic_recogniser tfic_recogniser;
typedef struct tfic_detector tfic_detector;
typedef struct tfic_restorer tfic_restorer;

/* A word that was read on a page. */
typedef struct tfic_word {
    const char *text;                 /* UTF-8, in the memory of the array that the word is in */
    int32_t left, top, right, bottom; /* the box of its ink in pixels; right and bottom are the first outside */
    int32_t line;                     /* number of its line, from 0 at the top */
    double confidence;                /* 0 to 1 */
} tfic_word;

/* The version of the library, such as "0.1.0". Never NULL, valid for ever. */
TFIC_IMPORT const char *tfic_version(void);

/* What was wrong with the last call on this thread that failed; "" if none did. Calls that succeed leave it alone.
 * Never NULL; valid until the next call on this thread that fails, or the thread's end. */
TFIC_IMPORT const char *tfic_last_error(void);

/* Releases what a function gave out. NULL is fine. */
TFIC_IMPORT void tfic_free(void *memory);

/* Opens a codec: one that ships, by name, NULL for the default ("compact"); or the model file at a path; or one in
 * memory, which is copied. Streams are decoded by the model that made them, any other is refused.
 *
 * threads: how many a call may use, 0 for one on each processor. Results do not depend on it. */
TFIC_IMPORT tfic_status tfic_codec_open(const char *name, int32_t threads, tfic_codec **codec);
TFIC_IMPORT tfic_status tfic_codec_open_file(const char *path, int32_t threads, tfic_codec **codec);
TFIC_IMPORT tfic_status tfic_codec_open_memory(const uint8_t *data, size_t size, int32_t threads, tfic_codec **codec);

/* Closes a codec. NULL, or one that is closed already, is fine. */
TFIC_IMPORT void tfic_codec_close(tfic_codec *codec);

/* Opens a recogniser, in the same ways; the default is "recogniser-compact". */
TFIC_IMPORT tfic_status tfic_recogniser_open(const char *name, int32_t threads, tfic_recogniser **recogniser);
TFIC_IMPORT tfic_status tfic_recogniser_open_file(const char *path, int32_t threads, tfic_recogniser **recogniser);
TFIC_IMPORT tfic_status tfic_recogniser_open_memory(const uint8_t *data, size_t size, int32_t threads,
                                                    tfic_recogniser **recogniser);

/* Closes a recogniser. NULL, or one that is closed already, is fine. */
TFIC_IMPORT void tfic_recogniser_close(tfic_recogniser *recogniser);

/* Opens a detector of words, in the same ways; the default is "detector-compact". */
TFIC_IMPORT tfic_status tfic_detector_open(const char *name, int32_t threads, tfic_detector **detector);
TFIC_IMPORT tfic_status tfic_detector_open_file(const char *path, int32_t threads, tfic_detector **detector);
TFIC_IMPORT tfic_status tfic_detector_open_memory(const uint8_t *data, size_t size, int32_t threads,
                                                  tfic_detector **detector);

/* Closes a detector. NULL, or one that is closed already, is fine. */
TFIC_IMPORT void tfic_detector_close(tfic_detector *detector);

/* Opens a restorer, in the same ways; the default is "restorer-d1", for whole pages. */
TFIC_IMPORT tfic_status tfic_restorer_open(const char *name, int32_t threads, tfic_restorer **restorer);
TFIC_IMPORT tfic_status tfic_restorer_open_file(const char *path, int32_t threads, tfic_restorer **restorer);
TFIC_IMPORT tfic_status tfic_restorer_open_memory(const uint8_t *data, size_t size, int32_t threads,
                                                  tfic_restorer **restorer);

/* Closes a restorer. NULL, or one that is closed already, is fine. */
TFIC_IMPORT void tfic_restorer_close(tfic_restorer *restorer);

/* Encodes a picture.
 *
 * quality: 1 (fewest bytes) to 8, fractions too.
 * file, size: receive a .tfic file; release it with tfic_free. */
TFIC_IMPORT tfic_status tfic_encode(tfic_codec *codec, const uint8_t *pixels, int32_t width, int32_t height,
                                    int32_t channels, size_t stride, double quality, uint8_t **file, size_t *size);

/* Encodes a picture twice into one file: as tfic_encode does, and for the eye with another codec, or with the same one
 * again, at base_quality. */
TFIC_IMPORT tfic_status tfic_encode_layers(tfic_codec *codec, tfic_codec *base_codec, const uint8_t *pixels,
                                           int32_t width, int32_t height, int32_t channels, size_t stride,
                                           double quality, double base_quality, uint8_t **file, size_t *size);

/* Encodes a picture to a given number of bytes, at the quality whose file comes nearest.
 *
 * quality: receives that quality; may be NULL. The file may well be larger or smaller than 'bytes' if no quality
 * comes near, as for very small pictures: compare *size. */
TFIC_IMPORT tfic_status tfic_encode_to_size(tfic_codec *codec, const uint8_t *pixels, int32_t width, int32_t height,
                                            int32_t channels, size_t stride, size_t bytes, uint8_t **file, size_t *size,
                                            double *quality);

/* Says what tfic_decode would give, from the header alone and without a codec; whether the rest of the file is whole
 * only decoding shows. channels receives 1 or 3. */
TFIC_IMPORT tfic_status tfic_info(const uint8_t *file, size_t size, int32_t *width, int32_t *height, int32_t *channels);

/* Decodes a .tfic file within the limits of the codec (tfic_codec_limits): the layer for text, or if there is none the
 * base layer.
 *
 * pixels: receives width * height * channels samples, rows without gaps; release them with tfic_free.
 * channels: receives 1 if a grey picture was coded, else 3. */
TFIC_IMPORT tfic_status tfic_decode(tfic_codec *codec, const uint8_t *file, size_t size, uint8_t **pixels,
                                    int32_t *width, int32_t *height, int32_t *channels);

/* Decodes one layer of a file, with the codec that made this layer; see tfic_decode.
 *
 * layer: a tfic_layer. A file that lacks it is refused. */
TFIC_IMPORT tfic_status tfic_decode_layer(tfic_codec *codec, const uint8_t *file, size_t size, int32_t layer,
                                          uint8_t **pixels, int32_t *width, int32_t *height, int32_t *channels);

/* Sets what tfic_decode and tfic_decode_layer accept with a codec, from the next call on: pictures of max_pixels and
 * files of max_bytes at most; both at least 1, at first 100 million and 256 MiB. Decoding takes up to 30 bytes of
 * memory for each pixel. */
TFIC_IMPORT tfic_status tfic_codec_limits(tfic_codec *codec, int64_t max_pixels, int32_t max_bytes);

/* Reads a picture of one line of text.
 *
 * text: receives what was read, "" if nothing was; release it with tfic_free.
 * confidence: receives the product of the characters' probabilities, 0 to 1 (1 for ""); may be NULL. */
TFIC_IMPORT tfic_status tfic_read_line(tfic_recogniser *recogniser, const uint8_t *pixels, int32_t width,
                                       int32_t height, int32_t channels, size_t stride, char **text,
                                       double *confidence);

/* Reads a page: finds its words, at whatever size they are printed, puts them into lines from top to bottom and reads
 * them one by one. Columns are read across.
 *
 * text: receives the lines, a '\n' between each two, "" if nothing was found; release it with tfic_free.
 * words, count: receive the words in the order of reading, with their text in one block that tfic_free(*words)
 *               releases; either both or neither may be NULL. */
TFIC_IMPORT tfic_status tfic_read_page(tfic_detector *detector, tfic_recogniser *recogniser, const uint8_t *pixels,
                                       int32_t width, int32_t height, int32_t channels, size_t stride, char **text,
                                       tfic_word **words, size_t *count);

/* Restores a page of small print that JPEG of the lowest quality has coded.
 *
 * word_restorer: a second restorer, for the words that the detector finds in what the first one makes of the page; NULL
 *                to leave them as the first one makes them. detector is used only with it.
 * restored: receives width * height grey samples, rows without gaps; release them with tfic_free. */
TFIC_IMPORT tfic_status tfic_restore(tfic_restorer *restorer, tfic_restorer *word_restorer, tfic_detector *detector,
                                     const uint8_t *pixels, int32_t width, int32_t height, int32_t channels,
                                     size_t stride, uint8_t **restored);

#ifdef __cplusplus
}
#endif

#endif
