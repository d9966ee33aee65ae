// A rule for every construct of a detection: each modifier, chain, kind of value, list and condition, with
// the values that have been hard to get right. Events are made for them by the differential test and by
// fuzzing.
#pragma once

namespace redthread {

inline constexpr char kConstructs[] = R"yaml(
title: Text
id: text
logsource: {product: some}
detection:
    selection: {A: 'Kelvin\Sky.exe'}
    condition: selection
---
title: Text of a wildcard each
id: wildcards
logsource: {product: some}
detection:
    selection:
        A: ['x*k?z', '?', '\*\?\\*', 'a**b', '*\', '??']
    condition: selection
---
title: Open sides
id: open
logsource: {product: some}
detection:
    selection:
        A|startswith: ['C:\Users\*\k', 'ſtart']
        B|endswith: ['\cmd.exe', 'a?b', '*x']
        C|contains: ['-Enc', 'é', 'k*K', '']
    condition: selection
---
title: All of them
id: all
logsource: {product: some}
detection:
    selection:
        A|contains|all: ['one', 'two', 'wo o']
        B|all: ['x*', '*y']
    condition: selection
---
title: Cased
id: cased
logsource: {product: some}
detection:
    selection:
        A|cased: 'Admin'
        B|contains|cased: ['KeY', 'É']
        C|re: 'k[A-Z]+'
    condition: selection
---
title: Numbers
id: numbers
logsource: {product: some}
detection:
    selection:
        A: [7, -12, 4688, 10000000000000000]
        B: [1.5, 0.25]
        C: '7'
    condition: selection
---
title: Numbers whose text has other digits
id: big-numbers
logsource: {product: some}
detection:
    selection: {A: [10000000000000000, 250000000000000000]}
    condition: selection
---
title: Event number
id: event-number
logsource: {product: some}
detection:
    selection: {EventID: 4688}
    other:
        EventID: ['1', 4624]
    condition: selection or other
---
title: Not that event number
id: not-event-number
logsource: {product: some}
detection:
    selection: {EventID|startswith: '46'}
    filter: {EventID: [4688, '4689']}
    condition: selection and not filter
---
title: Booleans
id: booleans
logsource: {product: some}
detection:
    selection: {A: true, B: [false, 'TRUE'], C: 'true'}
    condition: selection
---
title: Null and empty
id: 'null'
logsource: {product: some}
detection:
    nothing: {A: null}
    empty: {B: ''}
    either: {C: [null, '', 'x*']}
    condition: nothing and empty and either
---
title: Existence
id: exists
logsource: {product: some}
detection:
    there: {A|exists: true, b.c|exists: true}
    absent: {D|exists: false}
    condition: there and absent
---
title: Comparisons
id: compare
logsource: {product: some}
detection:
    selection: {A|gt: 5, B|gte: 5, C|lt: -1, D|lte: 2.5}
    condition: selection
---
title: Different
id: neq
logsource: {product: some}
detection:
    selection: {A|neq: 'a', B|contains|neq: ['x', 'y'], C|neq: 5, D|all|neq: ['p*', '*q']}
    more: {E|contains: 'more'}
    condition: selection and more
---
title: Regular expressions
id: regex
logsource: {product: some}
detection:
    selection:
        A|re: ['^ab+c$', '(foo|ba[rz]{2,3})\.\d+', 'x(?:y|z)*k']
        B|re|i: 'straSSe|K[a-f]{2}'
        C|re|i|m|s: '^begin.*end$'
    condition: selection
---
title: End of the text
id: regex-end
logsource: {product: some}
detection:
    selection: {A|re: '^a.?c$'}
    multi: {B|re|m: 'k$'}
    condition: selection or multi
---
title: Every regular expression
id: regex-all
logsource: {product: some}
detection:
    selection: {A|re|all: ['^a', 'z$', '\bmid\b']}
    condition: selection
---
title: Networks
id: cidr
logsource: {product: some}
detection:
    selection:
        A|cidr: ['10.0.0.0/8', '192.168.4.0/22', '2001:db8::/33', '::1/128', '1.2.3.4/32']
    condition: selection
---
title: Dashes
id: windash
logsource: {product: some}
detection:
    selection:
        A|windash|contains: [' -enc ', ' /accepteula', '-a -b/c']
        B|contains|windash|all: [' -x', ' /y']
    condition: selection
---
title: Base64
id: base64
logsource: {product: some}
detection:
    selection:
        A|base64: ['abc', 'kelvin sky']
        B|base64offset|contains: ['http://', 'kk', 'IEX ']
        C|wide|base64offset|contains: ['cmd', 'é']
        D|utf16be|base64|cased: 'KeY'
    condition: selection
---
title: UTF-16
id: utf16
logsource: {product: some}
detection:
    selection: {A|wide|contains: 'cmd', B|utf16: 'k', C|utf16|base64: 'x'}
    condition: selection
---
title: Field reference
id: fieldref
logsource: {product: some}
detection:
    selection: {A|fieldref: B, C|fieldref|endswith: d.e, F|fieldref|contains|cased: G, H|fieldref|startswith: I}
    condition: selection
---
title: Parts of time
id: time
logsource: {product: some}
detection:
    selection: {A|hour: [0, 23], B|minute|gte: 30, C|week: 53, D|day|lt: 10, E|month: 2, F|year|gt: 2020}
    condition: 1 of sel*
---
title: Placeholders
id: expand
logsource: {product: some}
detection:
    selection: {A|expand: 'host-%servers%', B|contains|expand: '%one%%servers%', C: '%servers%'}
    condition: selection
---
title: Paths
id: paths
logsource: {product: some}
detection:
    selection: {a.b.c: 'deep', a.d: ['x*', 3], 'e.f': null, g.h|contains: 'k'}
    condition: selection
---
title: Keywords
id: keywords
logsource: {product: some}
detection:
    words: ['mimikatz', 'ev*clear', 46, '100\*', 'Kelvin']
    condition: words
---
title: Keywords all
id: keywords-all
logsource: {product: some}
detection:
    words: {'|all': ['dd', 'if=', 'ÄRGER']}
    cased: {'|cased': ['Needle']}
    pattern: {'|re': '^x\d$'}
    condition: words or cased and pattern
---
title: Not the keyword
id: keywords-not
logsource: {product: some}
detection:
    selection: {A: 'present'}
    words: ['quiet', 'x?y']
    condition: selection and not words
---
title: Maps in lists
id: lists
logsource: {product: some}
detection:
    selection:
        - {A: '1', B: '2'}
        - {C|contains: 'x'}
        - 'needle'
    condition: selection
---
title: Selectors
id: selectors
logsource: {product: some}
detection:
    sel_a: {A: 1}
    sel_b: {B: 'b*'}
    filter_main: {C: 'c'}
    filter_other: {D|endswith: 'd'}
    _hidden: {E: 'e'}
    condition: (1 of sel_* or _hidden) and not (all of filter_*) and not not 1 of them
---
title: Several conditions
id: conditions
logsource: {product: some}
detection:
    a: {A|contains: 'left'}
    b: {B|contains: 'right'}
    condition: [a and not b, b and not a]
---
title: Nothing but negation
id: negation
logsource: {product: some}
detection:
    a: {A|contains: 'forbidden'}
    b: {B: null}
    condition: not a and not b
---
title: Of a category with renames
id: category
logsource: {category: process_creation, product: windows}
detection:
    selection:
        Image|endswith: ['\powershell.exe', '\pwsh.exe']
        CommandLine|contains: [' -k', 'KELVIN']
    filter_parent: {ParentImage|startswith: 'C:\Windows\System32\'}
    condition: selection and not filter_parent
---
title: Filter of a category
id: filter
logsource: {category: process_creation, product: windows}
filter:
    rules: [category]
    quiet: {User|contains: 'svc_'}
    condition: not quiet
)yaml";

}  // namespace redthread
