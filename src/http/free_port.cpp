#include "http/free_port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace latchkey::http {

Result<std::uint16_t> find_free_port() {
  using boost::asio::ip::tcp;
  boost::asio::io_context context;
  tcp::acceptor acceptor(context);
  boost::system::error_code problem;
  acceptor.open(tcp::v4(), problem);
  if (!problem) acceptor.bind({boost::asio::ip::address_v4::loopback(), 0}, problem);
  if (problem) {
    return fail(ErrorKind::unavailable, "NoFreePort", "no free port: " + problem.message());
  }
  return acceptor.local_endpoint().port();
}

}  // namespace latchkey::http
