#include "base/testing/lossy_disk.hpp"

#include <sqlite3.h>

#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "base/assert.hpp"

namespace latchkey::testing {
namespace {

constexpr std::size_t kSector = 512;

struct Write {
  std::size_t at;
  std::string bytes;  ///< empty: the file was cut off at `at`
};
struct Content {
  std::string synced;
  std::vector<Write> since;
};

std::mutex mutex;
std::map<std::string, Content> contents;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs lossy_vfs;
sqlite3_io_methods methods;

/// What SQLite holds of an open file; the real one follows in memory.
struct File {
  sqlite3_file base;
  Content* content;  ///< nullptr: a file that no crash needs
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File* as_file(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return as_file(file)->real();
}

void apply(const Write& write, std::string& content) {
  if (write.bytes.empty()) {
    content.resize(std::min(content.size(), write.at));
    return;
  }
  content.resize(std::max(content.size(), write.at + write.bytes.size()));
  content.replace(write.at, write.bytes.size(), write.bytes);
}

void remember(sqlite3_file* file, Write write) {
  const std::lock_guard lock(mutex);
  if (as_file(file)->content != nullptr) {
    as_file(file)->content->since.push_back(std::move(write));
  }
}

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  remember(file, {.at = static_cast<std::size_t>(at),
                  .bytes = {static_cast<const char*>(data), static_cast<std::size_t>(size)}});
  return real(file)->pMethods->xWrite(real(file), data, size, at);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  remember(file, {.at = static_cast<std::size_t>(size), .bytes = {}});
  return real(file)->pMethods->xTruncate(real(file), size);
}

int sync_file(sqlite3_file* file, int) {
  const std::lock_guard lock(mutex);
  if (Content* content = as_file(file)->content) {
    for (const Write& write : content->since) apply(write, content->synced);
    content->since.clear();
  }
  return SQLITE_OK;  // The test's own machine keeps its power.
}

int delete_file(sqlite3_vfs*, const char* name, int sync_folder) {
  const std::lock_guard lock(mutex);
  if (const auto place = contents.find(name); place != contents.end()) place->second = {};
  return real_vfs->xDelete(real_vfs, name, sync_folder);
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  as_file(file)->content = nullptr;
  const int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out_flags);
  file->pMethods = real(file)->pMethods == nullptr ? nullptr : &methods;
  if (code != SQLITE_OK || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) return code;
  std::stringstream there;
  there << std::ifstream(name, std::ios::binary).rdbuf();
  const std::lock_guard lock(mutex);
  Content& content = contents[name];
  content = {.synced = there.str(), .since = {}};
  as_file(file)->content = &content;
  return code;
}

void make_methods() {
  methods = {};
  methods.iVersion = 2;  // No memory-mapped reading: nothing to lose there.
  methods.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
  methods.xRead = [](sqlite3_file* f, void* data, int size, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), data, size, at);
  };
  methods.xWrite = write_file;
  methods.xTruncate = truncate_file;
  methods.xSync = sync_file;
  methods.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return real(f)->pMethods->xFileSize(real(f), size);
  };
  methods.xLock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xLock(real(f), how); };
  methods.xUnlock = [](sqlite3_file* f, int how) {
    return real(f)->pMethods->xUnlock(real(f), how);
  };
  methods.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
  };
  methods.xFileControl = [](sqlite3_file* f, int what, void* argument) {
    return real(f)->pMethods->xFileControl(real(f), what, argument);
  };
  methods.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
  methods.xDeviceCharacteristics = [](sqlite3_file* f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
  };
  methods.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
  };
  methods.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
  };
  methods.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
  methods.xShmUnmap = [](sqlite3_file* f, int remove) {
    return real(f)->pMethods->xShmUnmap(real(f), remove);
  };
}

}  // namespace

LossyDisk::LossyDisk() {
  LK_ASSERT(real_vfs == nullptr);
  real_vfs = sqlite3_vfs_find(nullptr);
  make_methods();
  lossy_vfs = *real_vfs;
  lossy_vfs.szOsFile = static_cast<int>(sizeof(File)) + real_vfs->szOsFile;
  lossy_vfs.zName = "lossy";
  lossy_vfs.pNext = nullptr;
  lossy_vfs.xOpen = open_file;
  lossy_vfs.xDelete = delete_file;
  LK_ASSERT(sqlite3_vfs_register(&lossy_vfs, 1) == SQLITE_OK);
}

LossyDisk::~LossyDisk() {
  sqlite3_vfs_unregister(&lossy_vfs);
  sqlite3_vfs_register(real_vfs, 1);
  real_vfs = nullptr;
  contents.clear();
}

void LossyDisk::lose_power(const std::filesystem::path& target, Random& random) const {
  std::map<std::string, Content> left;
  {
    const std::lock_guard lock(mutex);
    left = contents;
  }
  for (auto& [name, content] : left) {
    for (const Write& write : content.since) {
      for (std::size_t at = 0; at < write.bytes.size(); at += kSector) {
        if (random.next_u64() % 2 == 0) continue;
        apply({.at = write.at + at, .bytes = write.bytes.substr(at, kSector)}, content.synced);
      }
    }
    std::ofstream(target / std::filesystem::path(name).filename(), std::ios::binary)
        << content.synced;
  }
}

}  // namespace latchkey::testing
