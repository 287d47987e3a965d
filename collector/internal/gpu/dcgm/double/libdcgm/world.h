// What the double's engine and its GPUs are like: a file that a test writes
// while the library reads it. world.go has the same layout, field by field.
#ifndef WORLD_H
#define WORLD_H

#include <stdint.h>

#define WORLD_MAGIC 0x6463676d2d647562
enum { GPUS = 32, SEGMENTS = 64, VALUES = 64, INSTANCES = 256, PARTS = 18, PART_VALUES = 8, EVENTS = 4096, UNKNOWN = 128 };

// One field's value; it is as it is written until it is written anew.
struct value {
    int32_t field, type, status, unused; // type: 'i' or 'd'
    int64_t i;
    double d;
    int64_t time; // 0: when the engine last read it
};

// From a time on a board draws so much; at that time its counter stood there.
struct segment {
    int64_t from, microjoules, milliwatts;
};

struct gpu {
    int32_t id, status, index, segments, values, unused; // status: DcgmEntityStatus_t
    char uuid[64], model[64], serial[32], pci[32];
    struct segment segment[SEGMENTS];
    struct value value[VALUES];
};

struct instance {
    int32_t gpu, id, gi, ci, slices, unused; // ci: -1 of a GPU instance
    char uuid[64];                           // of the MIG device; empty of a GPU instance
};

// An NVSwitch or a processor.
struct part {
    int32_t id, values;
    struct value value[PART_VALUES];
};

struct event {
    int32_t kind, id, field, unused; // kind: dcgm_field_entity_group_t
    int64_t code, time;
};

// What the library was asked for.
struct seen {
    int64_t connects, unix_socket, embedded, disconnects, shutdowns;
    int64_t latest, values, largest, flags; // calls, their values, the most of one, all flags
    int64_t since, watches, keep, unwatches, updates; // keep: shortest, in seconds
    int64_t groups, field_groups;           // there now
    int64_t policy, health, versions;       // versions: words that were wrong
    char address[128];
};

struct world {
    int64_t magic, size;
    int64_t now;  // µs since 1970; 0: the host's clock
    int64_t held; // when the poller stopped; 0: it runs
    int32_t down; // no engine listens
    int32_t incarnation; // another: the engine was restarted and forgot everything
    int32_t cut;         // another: connections were cut
    int32_t frozen;      // calls do not return
    int32_t stopped;     // after XID 119: no driver calls, all is blank
    int32_t nvml;        // 0: the engine has no driver library
    int32_t module;      // 1: the profiling module is there
    int32_t login;       // 1: log-in fails, and the connection is called good
    int32_t deaf;        // 1: values-since fails; 2: the connection is cut after the next
    int32_t shuffled;    // 1: answers come in another order
    int32_t guest;       // 1: the engine does not run as root, and sees no instances
    int32_t spare;
    char version[64], driver[32];
    int32_t unknowns, gpus, instances, switches, sockets, unused;
    int64_t events;
    int32_t unknown[UNKNOWN];
    struct gpu gpu[GPUS];
    struct instance instance[INSTANCES];
    struct part nvswitch[PARTS], socket[PARTS];
    struct event event[EVENTS];
    struct seen seen;
};

#endif
