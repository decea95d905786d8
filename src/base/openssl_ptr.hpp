#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

/// OpenSSL's objects as owners of themselves. For .cpp files of base and http only.
namespace latchkey::openssl {

template <auto Free>
struct Deleter {
  void operator()(auto* pointer) const { Free(pointer); }
};
template <class T, auto Free>
using Ptr = std::unique_ptr<T, Deleter<Free>>;

using Bio = Ptr<BIO, BIO_free>;
using Certificate = Ptr<X509, X509_free>;
using Key = Ptr<EVP_PKEY, EVP_PKEY_free>;
using Number = Ptr<BIGNUM, BN_free>;

}  // namespace latchkey::openssl
