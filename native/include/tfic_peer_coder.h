/*
 * tfic_peer_coder.h: what a library exports whose entropy coders the benchmark RangeCodingBenchmark compares with
 * Tfic's, on the same symbols and in the same run. No such library is part of Tfic. Wrap the coder of your interest in
 * these functions, build a shared library, and name it:
 *
 *   TFIC_PEER_CODERS=/path/of/library.so ./build.sh bench RangeCoding
 *
 * Only tfic_peer_encode and tfic_peer_decode are timed; what a coder needs in another form than given here, it may
 * prepare when it is opened.
 */
#ifndef TFIC_PEER_CODER_H
#define TFIC_PEER_CODER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name of the coder with this index, counted from 0, for the report; NULL behind the last. */
const char *tfic_peer_name(int32_t index);

/*
 * Makes a coder ready for a sequence of values: value i is to be coded with the table tables[i].
 *
 * lengths:     for each of table_count tables its number of symbols.
 * frequencies: all tables, one behind the other; each adds up to 65536. Symbols 0, 1, 2, 3, 4 ... stand for the values
 *              0, -1, 1, -2, 2 ...; a table's last symbol stands for all others, which do not occur.
 *
 * All memory is the caller's, and stays as it is until the coder is closed. NULL if the coder cannot code this.
 */
void *tfic_peer_open(int32_t index, int32_t table_count, const int32_t *lengths, const int32_t *frequencies,
                     int64_t count, const uint8_t *tables, const int32_t *values);

/* Codes the sequence into memory of the coder's own; returns the number of bytes. */
int64_t tfic_peer_encode(void *coder);

/* Decodes what the last call of tfic_peer_encode made, into memory of the coder's own. */
void tfic_peer_decode(void *coder);

/* 1 if what was decoded last are the values, else 0. */
int32_t tfic_peer_check(void *coder);

void tfic_peer_close(void *coder);

#ifdef __cplusplus
}
#endif

#endif
