#include "codes/testing/fake_redis.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "codes/redis_reply.hpp"

namespace latchkey::codes::testing {
namespace asio = boost::asio;
using asio::ip::tcp;
using Socket = asio::basic_stream_socket<tcp, Executor>;

struct FakeRedis::State {
  explicit State(Executor executor)
      : acceptor(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

  static Task<> accept(std::shared_ptr<State> self);
  static Task<> serve(std::shared_ptr<State> self, Socket socket);
  /// Nothing when the connection is to end.
  std::optional<std::string> take(const RedisReply& command);

  asio::basic_socket_acceptor<tcp, Executor> acceptor;
  std::function<std::optional<std::string>(const Words&)> answer;
  std::vector<std::string> commands;
  int connections = 0;
};

Task<> FakeRedis::State::accept(std::shared_ptr<State> self) {
  for (;;) {
    auto [error, socket] = co_await self->acceptor.async_accept(use_task_tuple);
    if (error) co_return;
    ++self->connections;
    const Executor executor = self->acceptor.get_executor();
    asio::co_spawn(executor, serve(self, Socket(std::move(socket))), asio::detached);
  }
}

Task<> FakeRedis::State::serve(std::shared_ptr<State> self, Socket socket) {
  RedisReplyReader reader;  // Commands are arrays of strings, as answers may be.
  std::array<char, 4096> bytes{};
  for (;;) {
    auto [error, size] = co_await socket.async_read_some(asio::buffer(bytes), use_task_tuple);
    if (error) co_return;
    auto fed = reader.feed({bytes.data(), size});
    std::string answers;
    for (auto command = reader.next(); fed && command && *command; command = reader.next()) {
      auto given = self->take(**command);
      if (!given) co_return;
      answers += *given;
    }
    auto [failed, sent] = co_await asio::async_write(socket, asio::buffer(answers), use_task_tuple);
    if (failed) co_return;
  }
}

std::optional<std::string> FakeRedis::State::take(const RedisReply& command) {
  Words words;
  std::string line;
  for (const RedisReply& item : command.items) {
    words.push_back(item.text);
    line += (line.empty() ? "" : " ") + item.text;
  }
  commands.push_back(std::move(line));
  return answer(words);
}

FakeRedis::FakeRedis(Executor executor) : state_(std::make_shared<State>(executor)) {
  asio::co_spawn(executor, State::accept(state_), asio::detached);
}

FakeRedis::~FakeRedis() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
}

std::uint16_t FakeRedis::port() const {
  return state_->acceptor.local_endpoint().port();
}

void FakeRedis::answer_with(std::function<std::optional<std::string>(const Words&)> answer) {
  state_->answer = std::move(answer);
}

const std::vector<std::string>& FakeRedis::commands() const {
  return state_->commands;
}

int FakeRedis::count(const std::string& words) const {
  const auto& all = state_->commands;
  return static_cast<int>(std::count_if(
      all.begin(), all.end(), [&](const std::string& it) { return it.starts_with(words); }));
}

int FakeRedis::connections() const {
  return state_->connections;
}

}  // namespace latchkey::codes::testing
