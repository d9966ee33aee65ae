// TlsContext: who we are to those who connect over TLS, and whom we let in.
#pragma once

#include <memory>
#include <string>

#include "core/status.h"

// Of OpenSSL.
struct ssl_ctx_st;
struct ssl_st;

namespace redthread {

// One per thread once it is made.
class TlsContext {
 public:
  struct Options {
    std::string certificate;  // PEM file: our certificate, and those between it and the root
    std::string key;          // PEM file: its private key, without a password
    std::string client_ca;    // PEM file: who signs the certificates of clients; empty: they need none
  };
  // TLS 1.2 at least. kInvalid when a file cannot be read or does not hold what it must, or the key is not
  // the certificate's.
  static Result<std::unique_ptr<TlsContext>> Create(const Options& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A session for one connection, which the caller frees. Null when there is no memory.
  ssl_st* NewSession() const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

}  // namespace redthread
