/*
 * import_user_live.c - which objects of a user's trace live, by the name that the trace gives them.
 *
 * Most formats name an object by its address or a number. Then the map holds, for each key ever
 * used, the object (id and CPU in one word), or DEAD once it was freed: a second free is a double
 * free, and not one of an object that is older than the recording. Addresses are used again and
 * again, so the map grows with the number of places, not with that of allocations.
 *
 * heaptrack's interpreted files name only a class: size and call stack. Then the map holds the
 * first and the last node of a queue, and the objects of a class are taken from it in their order:
 *
 *   key -> first | last << 32        node: object, next          (DEAD: the queue is empty)
 *
 * Nodes lie in one array and are used again through a list of free ones.
 */
#include <stdlib.h>

#include "sim/import_user.h"

#define DEAD      UINT64_MAX
#define NODE_NONE UINT32_MAX

struct user_node {
	struct user_object object;
	uint32_t next;
};

static uint64_t pack(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

void user_live_release(struct user_live *live)
{
	u64map_release(&live->map);
	free(live->nodes);
}

enum user_key_state user_live_find(const struct user_live *live, uint64_t key,
				   struct user_object *object)
{
	const uint64_t *value = u64map_get(&live->map, key);
	if (!value)
		return USER_KEY_NEW;
	if (*value == DEAD)
		return USER_KEY_DEAD;
	*object = (struct user_object){.id = (uint32_t)*value, .cpu = (uint32_t)(*value >> 32)};
	return USER_KEY_LIVE;
}

int user_live_put(struct user_live *live, uint64_t key, struct user_object object)
{
	return u64map_put(&live->map, key, pack(object.id, object.cpu));
}

int user_live_kill(struct user_live *live, uint64_t key)
{
	return u64map_put(&live->map, key, DEAD);
}

/* An unused node, or NODE_NONE without memory. nodes_free is the index after the one to be used. */
static uint32_t node_new(struct user_live *live)
{
	if (live->nodes_free) {
		uint32_t node = live->nodes_free - 1;
		live->nodes_free = live->nodes[node].next;
		return node;
	}
	if (live->nodes_count == live->nodes_room) {
		if (live->nodes_room >= NODE_NONE / 2)
			return NODE_NONE;
		uint32_t room = live->nodes_room ? 2 * live->nodes_room : 256;
		struct user_node *nodes = realloc(live->nodes, room * sizeof(*nodes));
		if (!nodes)
			return NODE_NONE;
		live->nodes = nodes;
		live->nodes_room = room;
	}
	return live->nodes_count++;
}

int user_live_class_push(struct user_live *live, uint64_t key, struct user_object object)
{
	uint32_t node = node_new(live);
	if (node == NODE_NONE)
		return -1;
	live->nodes[node] = (struct user_node){.object = object, .next = NODE_NONE};
	uint64_t *queue = u64map_get(&live->map, key);
	if (!queue || *queue == DEAD)
		return u64map_put(&live->map, key, pack(node, node));
	uint32_t last = (uint32_t)(*queue >> 32);
	live->nodes[last].next = node;
	*queue = pack((uint32_t)*queue, node);
	return 0;
}

enum user_key_state user_live_class_pop(struct user_live *live, uint64_t key,
					struct user_object *object, bool *others)
{
	uint64_t *queue = u64map_get(&live->map, key);
	*others = false;
	if (!queue)
		return USER_KEY_NEW;
	if (*queue == DEAD)
		return USER_KEY_DEAD;
	uint32_t first = (uint32_t)*queue, next = live->nodes[first].next;
	*object = live->nodes[first].object;
	*others = next != NODE_NONE;
	*queue = *others ? pack(next, (uint32_t)(*queue >> 32)) : DEAD;
	live->nodes[first].next = live->nodes_free;
	live->nodes_free = first + 1;
	return USER_KEY_LIVE;
}
