; Elements: those of a component begin with a capital.

((jsx_opening_element name: [(identifier) @reference.call (member_expression property: (_) @reference.call)])
  (#match? @reference.call "^[A-Z]"))
((jsx_self_closing_element name: [(identifier) @reference.call (member_expression property: (_) @reference.call)])
  (#match? @reference.call "^[A-Z]"))
