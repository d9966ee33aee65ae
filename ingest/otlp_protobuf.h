// OtlpProtobuf: logs of OpenTelemetry in protobuf, which is what its SDKs send by default, as the same in
// JSON, so that there is one reading of them. Source: opentelemetry-proto 1.5, logs/v1/logs.proto,
// common/v1/common.proto; OpenTelemetry protocol 1.5, "JSON Protobuf Encoding"; protobuf.dev, "Encoding".
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace redthread {

// Of an ExportLogsServiceRequest. Fields that are not known are passed over. kInvalid when `message` is none:
// it ends within a field, a field is of another type than it must be, or messages are nested too deeply.
Result<std::string> OtlpJsonOf(std::string_view message);

// A google.rpc.Status in protobuf: the body of an answer that is an error.
std::string ProtobufStatus(int code, std::string_view message);

}  // namespace redthread
