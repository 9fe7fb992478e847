/*
 * crashfs: a disk in memory, as a SQLite VFS, that can lose power. For each file it keeps what is safe (synced) and
 * the changes since the last sync; a crash keeps the safe part and, at random, some of the changes, torn at sectors.
 * One thread, one connection a file: locks always succeed and there is no shared memory (locking_mode=EXCLUSIVE).
 *
 * What it promises is what SQLite asks of a disk: a synced byte stays, a write touches no byte outside itself, and the
 * names of files (there is one directory) are safe with the first sync of any new file or with a deletion that syncs.
 */
#pragma once

#include "base/error.h"
#include "base/ids.h"

struct crashfs;

enum { CRASHFS_SECTOR = 512 };

/* Chances in a thousand. */
struct crashfs_faults {
    uint32_t write;     /* a write fails with SQLITE_IOERR_WRITE, or in part */
    uint32_t full;      /* a write that makes a file longer fails with SQLITE_FULL */
    uint32_t sync;      /* a sync fails with SQLITE_IOERR_FSYNC; what it should have made safe stays unsafe */
    uint32_t power_cut; /* a write, a sync or a deletion is the last thing that happens: the power goes, as by
                           crashfs_power_off */
};

/* Registers an empty disk as the VFS NAME, which must outlive it. Never NULL. */
struct crashfs *crashfs_create(const char *name);
/* After everything opened on it was closed. NULL is fine. */
void crashfs_destroy(struct crashfs *fs);
/* An empty disk with power, without faults, that draws from RNG; nothing may be open on it. */
void crashfs_reset(struct crashfs *fs, struct rng *rng);
void crashfs_set_faults(struct crashfs *fs, struct crashfs_faults faults);

/* From now on every access fails and changes nothing. */
void crashfs_power_off(struct crashfs *fs);
bool crashfs_is_off(const struct crashfs *fs);
/* What the disk looks like when the power is back, without faults. Nothing may be open: without power, closing changes
 * nothing. */
void crashfs_crash(struct crashfs *fs);

/* Keeps a copy of the disk, all of it safe; crashfs_restore goes back to it. For starting many runs from one image. */
void crashfs_keep(struct crashfs *fs);
void crashfs_restore(struct crashfs *fs);

struct crashfs_counts {
    int64_t syncs, crashes, faults;
    int64_t changes_lost; /* writes, truncations, creations and deletions that a crash took back, at least in part */
};
struct crashfs_counts crashfs_counts(const struct crashfs *fs);
