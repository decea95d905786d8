#include "http/testing/server_fixture.hpp"

namespace latchkey::http::testing {
namespace {

struct CountsUnwinding {
  ~CountsUnwinding() { ++*count; }
  int* count;
};

}  // namespace

ServerFixture::~ServerFixture() {
  server.reset();
  io.restart();
  io.poll();
}

void ServerFixture::start(Handler handler) {
  auto made = Server::listen(io.get_executor(), options, std::move(handler), clock);
  ASSERT_TRUE(made) << made.error().message;
  server = std::move(*made);
}

void ServerFixture::start() {
  start([this](const Request& request) { return echo(request); });
}

Task<Response> ServerFixture::echo(const Request& request) {
  ++handlers_entered;
  const CountsUnwinding unwinding{&handlers_unwound};
  const std::string_view path = request.path();
  if (path == "/wait") {
    const auto [released] = co_await gate.async_wait(use_task_tuple);
    static_cast<void>(released);
  }
  if (path == "/cancellable") co_await gate.async_wait(use_task);
  if (path == "/throw") throw std::runtime_error("the handler has a defect");
  if (path == "/big") co_return text_response(200, std::string(8'000'000, 'x'));
  Response response =
      text_response(200, request.method_name + " " + request.target + " " + request.body);
  response.chunked = path == "/chunked";
  response.headers.add("X-Peer", request.peer_address);
  response.headers.add("X-Tls", request.over_tls ? "yes" : "no");
  co_return response;
}

std::string ServerFixture::ask(std::string_view bytes) {
  RawClient client(io, server->port());
  client.send(bytes);
  return client.read_to_end();
}

void ServerFixture::pass(std::chrono::seconds time) {
  for (std::chrono::seconds passed{0}; passed < time; ++passed) {
    clock.advance(std::chrono::seconds{1});
    for (int i = 0; i < 5; ++i) {
      io.restart();
      io.poll();
    }
  }
}

}  // namespace latchkey::http::testing
