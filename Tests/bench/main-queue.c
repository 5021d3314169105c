/* Stands in for dispatch_main under valgrind: serves the main queue on the main thread, as an event loop of a user
   interface does, instead of ending that thread. */
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

extern int _dispatch_get_main_queue_handle_4CF(void);
extern void _dispatch_main_queue_callback_4CF(void *);

void dispatch_main(void)
{
	int handle = _dispatch_get_main_queue_handle_4CF();
	for (;;) {
		struct pollfd descriptor = {handle, POLLIN, 0};
		uint64_t count;
		if (poll(&descriptor, 1, -1) == 1 && read(handle, &count, sizeof count) > 0)
			_dispatch_main_queue_callback_4CF(0);
	}
}
