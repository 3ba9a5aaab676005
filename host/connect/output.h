#ifndef WEIR_CONNECT_OUTPUT_H
#define WEIR_CONNECT_OUTPUT_H

#include "host/connect/codec.h"
#include "runtime/base/error.h"
#include "runtime/base/mem.h"

/* A file that appears whole or not at all: bytes go to a hidden temporary file beside it
   (".NAME.….tmp"), commit makes them durable and renames. Standard output ("-") and whatever exists
   and is no regular file (a pipe, /dev/null) are written to directly. A killed process leaves at
   most the temporary file, which no source reads. Not thread-safe. */

struct weir_output;

/* Missing directories of PATH are created. Errors name the file. */
int weir_output_open(const char *path, struct weir_output **out,
                     struct weir_error *err) WEIR_NODISCARD;
/* Do others see what is written at once? Not where it appears by rename. */
bool weir_output_is_direct(const struct weir_output *o);
int weir_output_write(struct weir_output *o, const void *bytes, size_t n,
                      struct weir_error *err) WEIR_NODISCARD;
/* fsync, rename, fsync of the directory. After an error the final name is as it was before. */
int weir_output_commit(struct weir_output *o, struct weir_error *err) WEIR_NODISCARD;
/* Without a commit before: removes the temporary file and the directories that were created. */
void weir_output_close(struct weir_output *o); /* NULL is allowed */

/* Append TEXT to OUT as a complete frame of CODEC (several in a row are a valid file); as it is
   when CODEC is NULL. */
int weir_output_encode(const struct weir_codec *codec, const void *text, size_t n,
                       struct weir_buf *out, struct weir_error *err) WEIR_NODISCARD;

#endif
