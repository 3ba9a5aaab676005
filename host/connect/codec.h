#ifndef WEIR_CONNECT_CODEC_H
#define WEIR_CONNECT_CODEC_H

#include <stdbool.h>
#include <stddef.h>

/* Compression formats, as steps over memory; stream.c (reading) and output.c (writing) do the input
   and output. A codec is one file plus one line in codec.c. */

/* What is left to read and the room that is left; a step moves the pointers. */
struct weir_codec_io {
    const unsigned char *in;
    size_t n_in;
    unsigned char *out;
    size_t n_out;
};

struct weir_codec {
    const char *name;
    const char *suffix[3]; /* with the dot, ended by NULL */

    /* NULL when out of memory. */
    void *(*decoder_new)(void);
    /* Decode until IN is empty, OUT is full, or a frame (gzip: a member) ends, which sets
       *BOUNDARY; after that the next step begins a new frame. 0, or WEIR_ERR_DATA / WEIR_ERR_NOMEM
       with *WHY set. */
    int (*decode)(void *decoder, struct weir_codec_io *io, bool *boundary, const char **why);
    void (*decoder_free)(void *decoder); /* NULL is allowed */

    void *(*encoder_new)(void);
    /* Encode IN; with FINISH also the end of the frame: call again with more room until *DONE. */
    int (*encode)(void *encoder, struct weir_codec_io *io, bool finish, bool *done,
                  const char **why);
    void (*encoder_free)(void *encoder); /* NULL is allowed */
};

extern const struct weir_codec weir_codec_gzip, weir_codec_zstd;

/* The codec that PATH's suffix names, NULL for none: the bytes are what they are. */
const struct weir_codec *weir_codec_of_path(const char *path);

#endif
