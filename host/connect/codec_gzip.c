/* gzip (RFC 1952) through zlib, several members in a row allowed. */
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "host/connect/codec.h"
#include "runtime/base/error.h"
#include "runtime/base/mem.h"

#define GZIP_WINDOW (15 + 16) /* the largest window; +16: gzip framing and nothing else */

static void *zlib_alloc(void *ctx, unsigned n, unsigned size)
{
    (void)ctx;
    return weir_calloc(n, size);
}

static void zlib_free(void *ctx, void *p)
{
    (void)ctx;
    weir_free(p);
}

static z_stream *stream_new(void)
{
    z_stream *z = weir_calloc(1, sizeof *z);
    if (!z) return NULL;
    z->zalloc = zlib_alloc;
    z->zfree = zlib_free;
    return z;
}

static unsigned clamp(size_t n)
{
    return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

static void begin(z_stream *z, const struct weir_codec_io *io)
{
    z->next_in = (unsigned char *)io->in;
    z->avail_in = clamp(io->n_in);
    z->next_out = io->out;
    z->avail_out = clamp(io->n_out);
}

static void end(const z_stream *z, struct weir_codec_io *io)
{
    io->n_in -= (size_t)(z->next_in - io->in);
    io->n_out -= (size_t)(z->next_out - io->out);
    io->in = z->next_in;
    io->out = z->next_out;
}

static int fail(int zlib_code, const z_stream *z, const char **why)
{
    *why = z->msg ? z->msg : zlib_code == Z_MEM_ERROR ? "out of memory" : "damaged data";
    return zlib_code == Z_MEM_ERROR ? WEIR_ERR_NOMEM : WEIR_ERR_DATA;
}

static void *decoder_new(void)
{
    z_stream *z = stream_new();
    if (z && inflateInit2(z, GZIP_WINDOW) != Z_OK) {
        weir_free(z);
        return NULL;
    }
    return z;
}

static int decode(void *decoder, struct weir_codec_io *io, bool *boundary, const char **why)
{
    z_stream *z = decoder;
    begin(z, io);
    int rc = inflate(z, Z_NO_FLUSH);
    end(z, io);
    *boundary = rc == Z_STREAM_END;
    if (rc == Z_STREAM_END) return inflateReset(z) == Z_OK ? 0 : fail(Z_DATA_ERROR, z, why);
    if (rc == Z_OK || rc == Z_BUF_ERROR) return 0;
    return fail(rc, z, why);
}

static void decoder_free(void *decoder)
{
    if (decoder) inflateEnd(decoder);
    weir_free(decoder);
}

static void *encoder_new(void)
{
    z_stream *z = stream_new();
    if (z && deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                          Z_DEFAULT_STRATEGY) != Z_OK) {
        weir_free(z);
        return NULL;
    }
    return z;
}

static int encode(void *encoder, struct weir_codec_io *io, bool finish, bool *done,
                  const char **why)
{
    z_stream *z = encoder;
    begin(z, io);
    int rc = deflate(z, finish ? Z_FINISH : Z_NO_FLUSH);
    end(z, io);
    *done = rc == Z_STREAM_END;
    return rc == Z_OK || rc == Z_BUF_ERROR || rc == Z_STREAM_END ? 0 : fail(rc, z, why);
}

static void encoder_free(void *encoder)
{
    if (encoder) deflateEnd(encoder);
    weir_free(encoder);
}

const struct weir_codec weir_codec_gzip = {.name = "gzip",
                                           .suffix = {".gz", ".gzip"},
                                           .decoder_new = decoder_new,
                                           .decode = decode,
                                           .decoder_free = decoder_free,
                                           .encoder_new = encoder_new,
                                           .encode = encode,
                                           .encoder_free = encoder_free};
