#include "codes/redis_reply.hpp"

#include <hiredis/hiredis.h>

#include "base/assert.hpp"

namespace latchkey::codes {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

RedisReply copy_of(const redisReply& from) {
  using Type = RedisReply::Type;
  RedisReply reply;
  switch (from.type) {
    case REDIS_REPLY_INTEGER:
      reply.type = Type::integer;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.type = Type::array;
      for (std::size_t i = 0; i < from.elements; ++i)
        reply.items.push_back(copy_of(*from.element[i]));
      break;
    case REDIS_REPLY_NIL:
      break;
    default:  // Strings, status lines and errors differ in their first byte only.
      reply.type = from.type == REDIS_REPLY_ERROR ? Type::error : Type::text;
      reply.text.assign(from.str, static_cast<std::size_t>(from.len));
  }
  return reply;
}

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorKind::protocol, "MalformedAnswer",
              "what came is not an answer of Redis: " + std::move(what));
}

}  // namespace

bool RedisReply::is_error(std::string_view code) const {
  return type == Type::error && text.starts_with(code) &&
         (text.size() == code.size() || text[code.size()] == ' ');
}

std::string render_redis_command(const std::vector<std::string>& words) {
  std::vector<const char*> parts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    parts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* text = nullptr;
  const int size =
      redisFormatCommandArgv(&text, static_cast<int>(words.size()), parts.data(), sizes.data());
  LK_ASSERT(size > 0);
  std::string bytes(text, static_cast<std::size_t>(size));
  redisFreeCommand(text);
  return bytes;
}

void RedisReplyReader::Delete::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

RedisReplyReader::RedisReplyReader() : reader_(redisReaderCreate()) {
  LK_ASSERT(reader_ != nullptr);
}

RedisReplyReader::~RedisReplyReader() = default;

Result<> RedisReplyReader::feed(std::string_view bytes) {
  if (reader_->len - reader_->pos + bytes.size() > kBytesMax) return malformed("it is too large");
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK) return {};
  return malformed(redisReaderGetError(reader_.get()));
}

Result<std::optional<RedisReply>> RedisReplyReader::next() {
  void* found = nullptr;
  if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK) {
    return malformed(redisReaderGetError(reader_.get()));
  }
  if (found == nullptr) return std::nullopt;
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(found));
  return copy_of(*reply);
}

}  // namespace latchkey::codes
