#include "tests/support/certificates.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace redthread {

bool MakeCertificates(const std::string& folder) {
  if (std::system("openssl version >/dev/null 2>&1") != 0) return false;
  const auto shell = [&folder](const std::string& command) {
    EXPECT_EQ(std::system(("cd " + folder + " && { " + command + "; } >openssl.log 2>&1").c_str()), 0)
        << command;
  };
  const std::string new_key = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 ";
  for (const std::string who : {"ca", "stranger"})
    shell(new_key + "-x509 -keyout " + who + ".key -out " + who + ".pem -subj /CN=" + who);
  for (const std::string who : {"server", "client"}) {
    shell(new_key + "-keyout " + who + ".key -out " + who + ".csr -subj /CN=" + who);
    shell("openssl x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -in " + who + ".csr -out " +
          who + ".pem");
  }
  return true;
}

}  // namespace redthread
