// ForwardedClient: the client of a web request that a proxy passed on.
//
// A proxy appends the address that it was asked from to X-Forwarded-For; what stands further left, the client
// may have made up. So the client is the address furthest right that is none of ours: from the peer on, each
// proxy that is trusted is believed in whom it names.
#pragma once

#include <vector>

#include "core/event.h"
#include "core/text.h"

namespace redthread {

// Immutable and thread-safe.
class ForwardedClient {
 public:
  // Addresses of one header beyond this, from the right, are not looked at.
  static constexpr int kMaxHops = 32;

  static void RegisterFields(FieldTable* fields);
  explicit ForwardedClient(const FieldTable& fields);

  // Gives c-ip (of access logs) and remote_addr (of nginx' JSON) the client's address, and the peer's to
  // proxy-ip, where the peer is trusted and x-forwarded-for (http_x_forwarded_for) names somebody. Else the
  // event stays as it is.
  void Set(const std::vector<Cidr>& trusted, Event* event) const;

 private:
  void Replace(const std::vector<Cidr>& trusted, FieldId peer, FieldId header, Event* event) const;

  const FieldTable& fields_;
  FieldId c_ip_, forwarded_for_, remote_addr_, http_forwarded_for_, proxy_ip_;
};

}  // namespace redthread
