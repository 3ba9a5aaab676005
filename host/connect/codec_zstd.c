/* Zstandard (RFC 8878) through libzstd, several frames in a row allowed. */
#include <zstd.h>
#include <zstd_errors.h>

#include "host/connect/codec.h"
#include "runtime/base/error.h"

static int fail(size_t code, const char **why)
{
    *why = ZSTD_getErrorName(code);
    return ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation ? WEIR_ERR_NOMEM : WEIR_ERR_DATA;
}

static void *decoder_new(void)
{
    return ZSTD_createDCtx();
}

static int decode(void *decoder, struct weir_codec_io *io, bool *boundary, const char **why)
{
    ZSTD_inBuffer in = {io->in, io->n_in, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    size_t rc = ZSTD_decompressStream(decoder, &out, &in);
    io->in += in.pos;
    io->n_in -= in.pos;
    io->out += out.pos;
    io->n_out -= out.pos;
    if (ZSTD_isError(rc)) return fail(rc, why);
    *boundary = rc == 0;
    return 0;
}

static void decoder_free(void *decoder)
{
    ZSTD_freeDCtx(decoder);
}

static void *encoder_new(void)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    if (c) ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    return c;
}

static int encode(void *encoder, struct weir_codec_io *io, bool finish, bool *done,
                  const char **why)
{
    ZSTD_inBuffer in = {io->in, io->n_in, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    size_t rc = ZSTD_compressStream2(encoder, &out, &in, finish ? ZSTD_e_end : ZSTD_e_continue);
    io->in += in.pos;
    io->n_in -= in.pos;
    io->out += out.pos;
    io->n_out -= out.pos;
    if (ZSTD_isError(rc)) return fail(rc, why);
    *done = finish && rc == 0 && io->n_in == 0;
    return 0;
}

static void encoder_free(void *encoder)
{
    ZSTD_freeCCtx(encoder);
}

const struct weir_codec weir_codec_zstd = {.name = "zstd",
                                           .suffix = {".zst", ".zstd"},
                                           .decoder_new = decoder_new,
                                           .decode = decode,
                                           .decoder_free = decoder_free,
                                           .encoder_new = encoder_new,
                                           .encode = encode,
                                           .encoder_free = encoder_free};
