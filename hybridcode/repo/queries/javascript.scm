; What only JavaScript's grammar has.

(field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @definition.function
(field_definition property: (_) @name) @definition.constant
(class_heritage [(identifier) @reference.base (member_expression property: (_) @reference.base)])
