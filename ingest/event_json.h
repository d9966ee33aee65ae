// A Windows event as JSON, in the shape of evtx_dump, which the JSON decoder knows how to flatten.
//
//   {"Event":{"#attributes":{"xmlns":".."},"System":{"EventID":4688,..},"EventData":{"Image":"..",..}}}
//
// An element with content alone is that content; with attributes too, an object of "#attributes" and "#text";
// with nothing, null. <Data Name="X"> of EventData and UserData becomes the member X; without names all of
// them are {"Data":{"#text":[..]}}. Of several children with one name, the second is NAME_1, and so on.
//
// Source: the output of evtx 0.14 of the package index of Python, which uses the crate evtx.
#pragma once

#include <cstddef>
#include <string>

#include "ingest/xml_tree.h"

namespace redthread {

// Appends the event. False, with *out in no particular state, when the tree has not one element at its root,
// or the text were longer than `max_bytes`.
bool AppendEventJson(const XmlTree& tree, size_t max_bytes, std::string* out);

}  // namespace redthread
