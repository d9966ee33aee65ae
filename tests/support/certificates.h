// Certificates for tests of TLS, made by the openssl command.
#pragma once

#include <string>

namespace redthread {

// Makes, in that folder, ca.pem, server.pem and client.pem, which it signs, and stranger.pem, which it does
// not; each with its NAME.key. False when openssl is not installed.
bool MakeCertificates(const std::string& folder);

}  // namespace redthread
