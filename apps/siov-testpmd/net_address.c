/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "net_address.h"

#define TRIES 50u
#define TRY_NS 100000000L /* between two tries to connect */
#define ACCEPT_MS 60000

struct address {
	int family;
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_un path;
		struct sockaddr_storage storage;
	};
};

static int
resolve_tcp(const char *text, const char *colon, struct address *address)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char host[256];
	size_t len = (size_t)(colon - text);

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -EINVAL;
	address->family = found->ai_family;
	address->len = found->ai_addrlen;
	memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static int
resolve(const char *text, struct address *address)
{
	const char *colon = strrchr(text, ':');

	memset(address, 0, sizeof(*address));
	if (colon != NULL && strchr(text, '/') == NULL)
		return resolve_tcp(text, colon, address);
	if (strlen(text) >= sizeof(address->path.sun_path))
		return -ENAMETOOLONG;
	address->family = AF_UNIX;
	address->len = sizeof(address->path);
	address->path.sun_family = AF_UNIX;
	memcpy(address->path.sun_path, text, strlen(text));
	return 0;
}

int
net_connect(const char *text)
{
	const struct timespec nap = {.tv_nsec = TRY_NS};
	struct address address;
	unsigned int i;
	int fd, ret;

	ret = resolve(text, &address);
	for (i = 0; i < TRIES && ret == 0; i++) {
		fd = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		if (connect(fd, &address.any, address.len) == 0)
			return fd;
		ret = errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
		close(fd);
		nanosleep(&nap, NULL);
	}
	return ret != 0 ? ret : -ETIMEDOUT;
}

static int
accept_one(int listener)
{
	struct pollfd wait = {.fd = listener, .events = POLLIN};
	int fd;

	if (poll(&wait, 1, ACCEPT_MS) != 1)
		return -ETIMEDOUT;
	fd = accept(listener, NULL, NULL);
	return fd >= 0 ? fd : -errno;
}

int
net_accept(const char *text)
{
	const int on = 1;
	struct address address;
	int listener, ret;

	ret = resolve(text, &address);
	if (ret != 0)
		return ret;
	listener = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -errno;
	if (address.family != AF_UNIX)
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, &address.any, address.len) != 0 || listen(listener, 1) != 0)
		ret = -errno;
	else
		ret = accept_one(listener);
	if (address.family == AF_UNIX && ret != -EADDRINUSE)
		unlink(text);
	close(listener);
	return ret;
}
