// SPDX-License-Identifier: GPL-2.0
/* The calls that the mailbox device knows. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailbox.h"

int mailbox_open(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

int mailbox_send(int fd, struct dma_mailbox_request request, const void *payload)
{
	size_t size = sizeof(request) + request.length;
	u8 *bytes = malloc(size);
	ssize_t sent;
	int error = 0;

	if (!bytes)
		die("out of memory");
	memcpy(bytes, &request, sizeof(request));
	if (request.length)
		memcpy(bytes + sizeof(request), payload, request.length);

	sent = write(fd, bytes, size);
	if (sent < 0)
		error = errno;
	else if ((size_t)sent != size)
		die("write() took %zd bytes of a request of %zu", sent, size);
	free(bytes);
	return error;
}

int mailbox_receive(int fd, struct answer *answer)
{
	ssize_t size;

	memset(&answer->head, 0xff, sizeof(answer->head));
	size = read(fd, answer, sizeof(*answer));
	if (size < 0)
		return errno;
	if ((size_t)size < sizeof(answer->head) ||
	    (size_t)size != sizeof(answer->head) + answer->head.length)
		die("read() gave %zd bytes, which is no response", size);
	return 0;
}

int mailbox_call(int fd, struct dma_mailbox_request request, const void *payload,
		 struct answer *answer)
{
	int error = mailbox_send(fd, request, payload);

	return error ? error : mailbox_receive(fd, answer);
}

static int by_number(const void *a, const void *b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	size_t left_size = strlen(left), right_size = strlen(right);

	if (left_size != right_size)
		return left_size < right_size ? -1 : 1;
	return strcmp(left, right);
}

int find_devices(char ***paths)
{
	glob_t found;
	size_t i;

	*paths = NULL;
	if (glob("/dev/dma_mailbox*", 0, NULL, &found))
		return 0;

	*paths = calloc(found.gl_pathc, sizeof(**paths));
	for (i = 0; *paths && i < found.gl_pathc; i++) {
		(*paths)[i] = strdup(found.gl_pathv[i]);
		if (!(*paths)[i])
			die("out of memory");
	}
	if (!*paths)
		die("out of memory");
	globfree(&found);
	qsort(*paths, i, sizeof(**paths), by_number);
	return i;
}

void free_devices(char **paths, int count)
{
	while (count--)
		free(paths[count]);
	free(paths);
}
