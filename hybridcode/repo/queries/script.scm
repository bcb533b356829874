; What JavaScript and TypeScript share.

(function_declaration name: (_) @name) @definition.function
(generator_function_declaration name: (_) @name) @definition.function
(class_declaration name: (_) @name) @definition.class
(method_definition name: [(property_identifier) (private_property_identifier)] @name) @definition.function
(variable_declarator
  name: (identifier) @name
  value: [(arrow_function) (function_expression) (generator_function)]) @definition.function
(variable_declarator name: (identifier) @name value: (class)) @definition.class
(program (lexical_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(program (variable_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(export_statement (variable_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(export_statement "default" @name value: [(arrow_function) (function_expression) (generator_function)])
  @definition.function
(export_statement "default" @name value: (class)) @definition.class
(export_statement "default" @name value: (object)) @definition.constant

; Functions of an object that has a name, and functions hung on one.
(variable_declarator
  value: (object
    (pair
      key: (property_identifier) @name
      value: [(arrow_function) (function_expression) (generator_function)]) @definition.function))
(export_statement
  value: (object
    (pair
      key: (property_identifier) @name
      value: [(arrow_function) (function_expression) (generator_function)]) @definition.function))
(assignment_expression
  right: (object
    (pair
      key: (property_identifier) @name
      value: [(arrow_function) (function_expression) (generator_function)]) @definition.function))
((assignment_expression
  left: (member_expression object: (identifier) @type property: (property_identifier) @name)
  right: [(arrow_function) (function_expression) (generator_function)]) @definition.method
  (#not-match? @type "^(?:exports|module|window|globalThis)$"))
((assignment_expression
  left: (member_expression object: (identifier) @_holder property: (property_identifier) @name)
  right: [(arrow_function) (function_expression) (generator_function)]) @definition.function
  (#any-of? @_holder "exports" "window" "globalThis"))
((assignment_expression
  left: (member_expression
    object: (member_expression object: (identifier) @_holder property: (property_identifier) @_exports)
    property: (property_identifier) @name)
  right: [(arrow_function) (function_expression) (generator_function)]) @definition.function
  (#eq? @_holder "module")
  (#eq? @_exports "exports"))
((assignment_expression
  left: (member_expression
    object: (member_expression object: (identifier) @type property: (property_identifier) @_prototype)
    property: (property_identifier) @name)
  right: [(arrow_function) (function_expression) (generator_function)]) @definition.method
  (#eq? @_prototype "prototype"))

(program
  (expression_statement
    (assignment_expression
      left: (member_expression object: (identifier) property: (property_identifier) @name)
      right: (object)) @definition.constant))

(arrow_function) @local
(function_expression) @local
(generator_function) @local

(export_statement declaration: (_) @of) @extent
(lexical_declaration . (variable_declarator) @of .) @extent
(variable_declaration . (variable_declarator) @of .) @extent

; References

(call_expression
  function: [(identifier) @reference.call (member_expression property: (property_identifier) @reference.call)])
(new_expression
  constructor: [(identifier) @reference.call (member_expression property: (property_identifier) @reference.call)])
(decorator [(identifier) @reference.decorator (member_expression property: (_) @reference.decorator)])
(import_clause (identifier) @reference.import)
(import_specifier name: (identifier) @reference.import)
(export_specifier name: (identifier) @reference.import)

; Imports

(import_statement source: (string (string_fragment) @import))
(export_statement source: (string (string_fragment) @import))
((call_expression
  function: (identifier) @_require
  arguments: (arguments . (string (string_fragment) @import)))
  (#eq? @_require "require"))
(call_expression function: (import) arguments: (arguments . (string (string_fragment) @import)))
