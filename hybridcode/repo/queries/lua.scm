; Definitions

(function_declaration name: (identifier) @name) @definition.function
(function_declaration name: (dot_index_expression) @name) @definition.function
(function_declaration
  name: (method_index_expression table: (_) @type method: (identifier) @name)) @definition.method
(assignment_statement
  (variable_list . name: [(identifier) (dot_index_expression)] @name)
  (expression_list . value: (function_definition))) @definition.function
(chunk (assignment_statement (variable_list . name: [(identifier) (dot_index_expression)] @name)) @definition.constant)
(chunk
  (variable_declaration (assignment_statement (variable_list . name: (identifier) @name)) @definition.constant))
(expression_list
  value: (table_constructor
    (field name: (identifier) @name value: (function_definition)) @definition.function))

(variable_declaration (assignment_statement) @of) @extent
(function_definition) @local

; References

(function_call name: [
  (identifier) @reference.call
  (dot_index_expression field: (identifier) @reference.call)
  (method_index_expression method: (identifier) @reference.call)
])

; Imports

((function_call name: (identifier) @_require arguments: (arguments . (string content: (string_content) @import)))
  (#any-of? @_require "require" "dofile" "loadfile"))
