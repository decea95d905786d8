#include "base/sqlite_wal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <span>
#include <vector>

namespace latchkey::sqlite {
namespace {

using Piece = std::span<const std::uint8_t>;

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kMagic = 0x377F'0682;  ///< its last bit says in which order sums are read

std::uint32_t big_endian(Piece bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8U | bytes[at + i];
  return value;
}
std::uint32_t little_endian(Piece bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i) value = value << 8U | bytes[at + i - 1];
  return value;
}

struct Sum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  void add(Piece bytes, bool big) {
    const auto word = big ? big_endian : little_endian;
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      first += word(bytes, at) + second;
      second += word(bytes, at + 4) + first;
    }
  }
  bool stands_in(Piece bytes, std::size_t at) const {
    return big_endian(bytes, at) == first && big_endian(bytes, at + 4) == second;
  }
};

/// What is behind the frames that SQLite will take.
struct Rest {
  std::size_t good = 0;   ///< frames that it takes
  bool commit = false;    ///< the end of a transaction has been seen behind them
  bool after_it = false;  ///< and something of the same log behind that
};

tl::unexpected<Error> damaged(const std::filesystem::path& log, std::string_view what) {
  return fail(ErrorKind::storage, "StorageDamaged",
              fmt::format("{} is damaged: {}", log.string(), what));
}

/// `sum` is the header's.
Rest read_frames(std::ifstream& file, Piece header, Sum sum, bool big) {
  const std::uint32_t page_bytes = big_endian(header, 8);
  const Piece salts = header.subspan(16, 8);
  Rest rest;
  bool intact = true;
  std::vector<std::uint8_t> frame(kFrameHeaderBytes + page_bytes);
  while (file.read(reinterpret_cast<char*>(frame.data()),
                   static_cast<std::streamsize>(frame.size()))) {
    const Piece bytes(frame);
    const bool ours = std::equal(salts.begin(), salts.end(), bytes.begin() + 8);
    if (intact && ours) {
      sum.add(bytes.first(8), big);
      sum.add(bytes.subspan(kFrameHeaderBytes), big);
      intact = sum.stands_in(bytes, 16);
    } else {
      intact = false;
    }
    if (intact) {
      ++rest.good;
    } else if (ours) {
      rest.after_it = rest.after_it || rest.commit;
      rest.commit = rest.commit || big_endian(bytes, 4) != 0;
    }
  }
  return rest;
}

}  // namespace

Result<> check_log(const std::filesystem::path& database) {
  auto log = database;
  log += "-wal";
  std::ifstream file(log, std::ios::binary);
  if (!file) return {};
  std::array<std::uint8_t, kHeaderBytes> header{};
  if (!file.read(reinterpret_cast<char*>(header.data()), header.size())) return {};
  // Never synced: the file had grown, and then the power went.
  if (std::all_of(header.begin(), header.end(), [](auto byte) { return byte == 0; })) return {};
  const std::uint32_t magic = big_endian(header, 0);
  const bool big = (magic & 1U) != 0;
  Sum sum;
  sum.add(Piece(header).first(24), big);
  if ((magic & ~1U) != kMagic || !sum.stands_in(header, 24)) {
    return damaged(log, "its first bytes are not those of a log");
  }
  const Rest rest = read_frames(file, header, sum, big);
  if (rest.after_it) {
    return damaged(log, fmt::format("{} pages can be read, and then one cannot although more "
                                    "transactions follow",
                                    rest.good));
  }
  return {};
}

}  // namespace latchkey::sqlite
