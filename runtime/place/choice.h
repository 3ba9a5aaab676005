#ifndef WEIR_PLACE_CHOICE_H
#define WEIR_PLACE_CHOICE_H

#include "runtime/place/backend.h"

/* Which backend runs a stage's pipeline, batch by batch. The native one starts; a device is
   prepared in the background when the work that is left pays for its compiler, and takes over when
   it has given the same rows as native on one batch and was measured to be faster. Or the caller
   forces one. Thread-safe but for new and free. */

struct weir_choice;

struct weir_choice_request {
    const struct weir_pipeline *pipeline;
    const struct weir_join_table *const *tables;
    struct weir_backend **device; /* candidates, best first */
    int n_devices;
    const char *no_device;   /* why there is none, as "native: …" goes on; NULL: there are some */
    int64_t now_us;          /* as for the backends' runs */
    bool force;              /* device[0] or an error, prepared before the first batch */
    double expected_seconds; /* of native work, < 0 unknown: a guess from the source's size */
    int n_slots;             /* that will push batches */
};

/* What AUTO would do with Q: the device that may take over from native (now or when the job proves to
   be long), or NULL, and WHY in words. */
struct weir_backend *weir_choice_candidate(const struct weir_choice_request *q, char *why,
                                           size_t size);

/* With FORCE, a pipeline that device[0] does not support is WEIR_ERR_UNSUPPORTED, and says what and
 * why. */
int weir_choice_new(const struct weir_choice_request *request, struct weir_choice **out,
                    struct weir_error *err) WEIR_NODISCARD;
void weir_choice_free(struct weir_choice *c); /* waits for a compiler that runs; NULL is allowed */

/* The prepared device to use now: NULL = native. */
struct weir_prepared *weir_choice_device(struct weir_choice *c, struct weir_backend **backend);
struct weir_prepared *weir_choice_native(struct weir_choice *c);
/* What the device does not do of the pipeline, NULL where it does all (place/split.h): PRE runs
   natively before it on each batch, TAIL aggregates natively behind it. */
const struct weir_pipeline *weir_choice_pre(const struct weir_choice *c);
const struct weir_pipeline *weir_choice_tail(const struct weir_choice *c);
/* Native, for a batch that the device handed back: all of the pipeline but PRE. */
struct weir_prepared *weir_choice_handed_back(struct weir_choice *c);
/* Can B run P, perhaps but for some of its functions and its aggregation? 1; or 0 with the reason
   in WHY. After 1 WHY says what runs natively, or is empty. */
int weir_choice_supports(struct weir_backend *b, const struct weir_pipeline *p, char *why,
                         size_t why_size);
/* Offer a batch that native will run; the first one is kept to check a device's answer on it. */
void weir_choice_sample(struct weir_choice *c, struct weir_batch *batch);
/* Why things are as they are, for the statistics. */
void weir_choice_note(struct weir_choice *c, char *buf, size_t size);
/* A slot's batch of ROWS is done, on the device (DEVICE true) or natively, NS after the slot's batch
   before it. SETTLED: so were the slot's last few batches, so that the time shows the pace there.
   The choice learns from it. */
void weir_choice_report(struct weir_choice *c, bool device, uint64_t rows, uint64_t ns,
                        bool settled);
/* The stage has run for ELAPSED_SECONDS and has done a share DONE of its work (0: unknown). Starts
   to prepare a device when the rest pays for it. */
void weir_choice_progress(struct weir_choice *c, double elapsed_seconds, double done);
/* The device handed a batch back. A device that does so again and again is not used any more. */
void weir_choice_failed(struct weir_choice *c);

#endif
