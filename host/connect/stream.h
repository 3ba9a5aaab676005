#ifndef WEIR_CONNECT_STREAM_H
#define WEIR_CONNECT_STREAM_H

#include <stdatomic.h>

#include "host/connect/codec.h"
#include "runtime/base/error.h"
#include "runtime/base/mem.h"

/* The bytes of a file from a given place to its end: a plain file, gzip or zstd by its suffix, or
   "-" for standard input. Not thread-safe; any number of streams may read one file. Messages name
   the file and, for damaged data, the byte of the file at which it was found. */

struct weir_stream;

/* Begin at byte OFFSET of the uncompressed contents (a compressed file is decoded up to there;
   standard input and pipes are read up to there). PROGRESS, when not NULL, is advanced by the bytes
   of the file that were consumed. PATH is copied. */
int weir_stream_open(const char *path, uint64_t offset, _Atomic uint64_t *progress,
                     struct weir_stream **out, struct weir_error *err) WEIR_NODISCARD;

/* Call before PATH is read from its beginning. A pipe or socket that was read before, under whatever
   name, is WEIR_ERR_IO, for else it would look like an empty file; one that has a name in the file
   system may be read again once READER, who read it, has said weir_stream_end. A file as standard
   input is wound back to where it stood when the process started; a terminal goes on. Thread-safe. */
int weir_stream_begin(const char *path, const void *reader, struct weir_error *err) WEIR_NODISCARD;
void weir_stream_end(const void *reader);

/* Fill BUF with up to CAP bytes, as many as are there; waits for the first. *GOT = 0 only at the
   end. */
int weir_stream_read(struct weir_stream *s, char *buf, size_t cap, size_t *got,
                     struct weir_error *err) WEIR_NODISCARD;

/* The same, but wait no longer than TIMEOUT_MS: then *GOT = 0 and *WAITING is true. Only a stream
   that is live ever waits. */
int weir_stream_read_soon(struct weir_stream *s, char *buf, size_t cap, int timeout_ms, size_t *got,
                          bool *waiting, struct weir_error *err) WEIR_NODISCARD;

/* Somebody may write the bytes while we read them: a pipe, a terminal, standard input. */
bool weir_stream_is_live(const struct weir_stream *s);

void weir_stream_close(struct weir_stream *s); /* NULL is allowed */

#endif
