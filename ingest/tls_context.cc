#include "ingest/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace redthread {

namespace {

Status Failure(const std::string& what, const std::string& file) {
  char reason[256] = "";
  ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
  ERR_clear_error();
  return Status::Invalid("cannot use " + file + " as " + what + ": " + reason);
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::Create(const Options& options) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return Failure("TLS context", "OpenSSL");
  std::unique_ptr<TlsContext> tls(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // No session is resumed: each connection shows its certificate anew.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1)
    return Failure("certificate", options.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return Failure("the key of " + options.certificate, options.key);
  if (options.client_ca.empty()) return tls;
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(options.client_ca.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return Failure("client_ca", options.client_ca);
  }
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return tls;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

ssl_st* TlsContext::NewSession() const { return SSL_new(context_); }

}  // namespace redthread
