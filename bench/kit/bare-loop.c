/*
 * The ceiling of a copy in memory, without an interpreter: the system calls that a safe copy cannot do without, and
 * nothing else. bare-loop THREADS SOURCE DESTINATION; folders of regular files, no errors expected.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (1 << 20)
#define TEMPORARY ".iw~bare"

static char **folders;
static size_t count;
static atomic_size_t next;
static const char *source, *destination;

static int opened(int descriptor, const char *name)
{
    if (descriptor < 0)
        err(1, "%s", name);
    return descriptor;
}

static int folder_at(const char *root, const char *below)
{
    char path[8192];
    snprintf(path, sizeof path, "%s%s", root, below);
    return opened(open(path, O_RDONLY | O_DIRECTORY), path);
}

static void copy_file(int from, int to, const char *name, char *buffer)
{
    struct stat before, after, now;
    int file = opened(openat(from, name, O_RDONLY | O_NOFOLLOW), name);
    int part = opened(openat(to, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644), name);
    ssize_t length;
    if (fstat(file, &before) < 0)
        err(1, "%s", name);
    while ((length = read(file, buffer, BUFFER)) > 0)
        if (write(part, buffer, length) != length)
            err(1, "%s", name);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    if (length < 0 || futimens(part, times) < 0 || fsync(part) < 0 || close(part) < 0 || fstat(file, &after) < 0 ||
        close(file) < 0 || fstatat(from, name, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
        renameat(to, TEMPORARY, to, name) < 0)
        err(1, "%s", name);
}

static void *work(void *unused)
{
    char *buffer = malloc(BUFFER);
    size_t at;
    while ((at = atomic_fetch_add(&next, 1)) < count) {
        int from = folder_at(source, folders[at]), to = folder_at(destination, folders[at]);
        DIR *list = fdopendir(dup(from));
        struct dirent *entry;
        while ((entry = readdir(list)) != NULL)
            if (entry->d_type == DT_REG)
                copy_file(from, to, entry->d_name, buffer);
        closedir(list);
        if (fsync(to) < 0)
            err(1, "%s", folders[at]);
        close(from);
        close(to);
    }
    free(buffer);
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "bare-loop THREADS SOURCE DESTINATION");
    int threads = atoi(argv[1]);
    source = argv[2];
    destination = argv[3];
    char *roots[] = {argv[2], NULL}, path[8192];
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *entry; (entry = fts_read(tree)) != NULL;) {
        if (entry->fts_info != FTS_D)
            continue;
        const char *below = entry->fts_path + strlen(source);
        folders = realloc(folders, (count + 1) * sizeof *folders);
        folders[count++] = strdup(below);
        snprintf(path, sizeof path, "%s%s", destination, below);
        if (*below != '\0' && mkdir(path, 0755) < 0)
            err(1, "%s", path);
    }
    fts_close(tree);
    pthread_t workers[threads];
    for (int at = 0; at < threads; at++)
        pthread_create(&workers[at], NULL, work, NULL);
    for (int at = 0; at < threads; at++)
        pthread_join(workers[at], NULL);
    return 0;
}
