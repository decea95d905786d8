// Asio is compiled once, here (BOOST_ASIO_SEPARATE_COMPILATION), so that files which only await
// stay cheap to compile.
#include <boost/asio/impl/src.hpp>
