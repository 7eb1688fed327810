#include "tools/tenured/ration.h"

#include <string.h>

void ration_init(struct ration *ration)
{
    memset(ration, 0, sizeof(*ration));
    pthread_mutex_init(&ration->mutex, NULL);
}

void ration_release(struct ration *ration)
{
    pthread_mutex_destroy(&ration->mutex);
}

bool ration_take(struct ration *ration, struct place to, size_t size, uint64_t now_ms)
{
    struct ration_account *account = &ration->accounts[to.n];
    pthread_mutex_lock(&ration->mutex);
    uint64_t elapsed_ms = now_ms > account->forgiven_ms ? now_ms - account->forgiven_ms : 0;
    uint64_t forgiven = elapsed_ms < 60000 ? elapsed_ms * RATION_BYTES_PER_S / 1000 : UINT64_MAX;
    account->spent = account->spent > forgiven ? account->spent - forgiven : 0;
    account->forgiven_ms = now_ms;
    bool allowed = account->spent + size <= RATION_BYTES_MAX;
    if (allowed)
        account->spent += size;
    pthread_mutex_unlock(&ration->mutex);
    return allowed;
}
