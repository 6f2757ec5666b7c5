#define _GNU_SOURCE
#include "CPlatform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Other users may own directories in the tree and change them meanwhile. Therefore, nothing is accessed by a path of several
// components, any of which may become a link: each directory is opened relative to its parent, and its entries are removed
// relative to it.

// Deeper directories are moved up to the root of the tree, because descriptors are scarce.
enum { deepest = 64 };
// Gives up on a process that keeps creating deeper directories.
enum { most_rounds = 1000 };

struct tree {
  int root;
  int failure;
  unsigned moved;
};

static void note(struct tree *tree, int error) {
  if (tree->failure == 0 && error != ENOENT) tree->failure = error;
}

static void empty(struct tree *tree, int directory, int depth);

static void remove_directory(struct tree *tree, int parent, const char *name, int depth) {
  if (depth >= deepest) {
    char passing[40];
    snprintf(passing, sizeof passing, ".removed-%d-%u", (int)getpid(), tree->moved);
    if (renameat(parent, name, tree->root, passing) == 0) {
      tree->moved++;
      return;
    }
  }
  int inner = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (inner < 0) {
    // It has become something else meanwhile: remove it as what it is.
    if (errno != ENOTDIR && errno != ELOOP) return note(tree, errno);
    if (unlinkat(parent, name, 0) != 0) note(tree, errno);
    return;
  }
  empty(tree, inner, depth + 1);
  if (unlinkat(parent, name, AT_REMOVEDIR) != 0) note(tree, errno);
}

// Removes the contents of a directory and closes its descriptor.
static void empty(struct tree *tree, int directory, int depth) {
  DIR *entries = fdopendir(directory);
  if (entries == NULL) {
    note(tree, errno);
    close(directory);
    return;
  }
  struct dirent *entry;
  while ((entry = readdir(entries)) != NULL) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    if (entry->d_type != DT_DIR && unlinkat(directory, name, 0) == 0) continue;
    struct stat info;
    if (fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      note(tree, errno);
    } else if (S_ISDIR(info.st_mode)) {
      remove_directory(tree, directory, name, depth);
    } else if (unlinkat(directory, name, 0) != 0) {
      note(tree, errno);
    }
  }
  closedir(entries);
}

int platform_remove_tree(const char *path) {
  struct tree tree = {.root = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (tree.root < 0) {
    if (errno == ENOENT) return 0;
    if (errno != ENOTDIR && errno != ELOOP) return errno;
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
  }
  unsigned moved = UINT_MAX;
  for (int round = 0; round < most_rounds && tree.moved != moved; round++) {
    moved = tree.moved;
    int root = fcntl(tree.root, F_DUPFD_CLOEXEC, 3);
    if (root < 0) {
      note(&tree, errno);
      break;
    }
    lseek(root, 0, SEEK_SET);
    empty(&tree, root, 0);
  }
  close(tree.root);
  if (rmdir(path) != 0) note(&tree, errno);
  return tree.failure;
}
