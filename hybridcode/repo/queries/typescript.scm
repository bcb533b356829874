; What only TypeScript's grammars have.

(abstract_class_declaration name: (_) @name) @definition.class
(public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @definition.function
(public_field_definition name: (_) @name) @definition.constant
(abstract_method_signature name: (_) @name) @definition.prototype
(function_signature name: (_) @name) @definition.prototype
(class_body (method_signature name: (_) @name) @definition.prototype)
(interface_declaration name: (_) @name) @definition.interface
(type_alias_declaration name: (_) @name) @definition.type
(enum_declaration name: (_) @name) @definition.enum
(internal_module name: (_) @name) @definition.module
(module name: [(identifier) @name (nested_identifier) @name (string (string_fragment) @name)]) @definition.module
(internal_module
  body: (statement_block (lexical_declaration (variable_declarator name: (identifier) @name) @definition.constant)))
(ambient_declaration (lexical_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(ambient_declaration (variable_declaration (variable_declarator name: (identifier) @name) @definition.constant))
(variable_declarator
  value: [
    (satisfies_expression
      (object
        (pair
          key: (property_identifier) @name
          value: [(arrow_function) (function_expression) (generator_function)]) @definition.function))
    (as_expression
      (object
        (pair
          key: (property_identifier) @name
          value: [(arrow_function) (function_expression) (generator_function)]) @definition.function))
  ])

(ambient_declaration (_) @of) @extent
(expression_statement (internal_module) @of) @extent
(class_body (decorator) @leading)

(type_identifier) @reference.type
(extends_clause value: [(identifier) @reference.base (member_expression property: (_) @reference.base)])

(import_require_clause source: (string (string_fragment) @import))
