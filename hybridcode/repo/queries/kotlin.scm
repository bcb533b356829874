; Definitions. The first pattern that names a place rules its kind.

((class_declaration (modifiers (class_modifier) @_modifier) name: (identifier) @name) @definition.enum
  (#eq? @_modifier "enum"))
(class_declaration "interface" name: (identifier) @name) @definition.interface
(class_declaration name: (identifier) @name) @definition.class
(object_declaration name: (identifier) @name) @definition.class
(companion_object name: (identifier) @name) @definition.class
; The grammar sometimes takes the name of an extension of a generic type for a part of the type.
(function_declaration
  (user_type . (identifier) @type (identifier) @name .) . name: (MISSING identifier)) @definition.method
(function_declaration (user_type) @type . name: (identifier) @name) @definition.method
(function_declaration name: (identifier) @name) @definition.function
(secondary_constructor "constructor" @name) @definition.function
(type_alias type: (identifier) @name) @definition.type
(source_file (property_declaration (variable_declaration . (identifier) @name)) @definition.constant)
(class_body (property_declaration (variable_declaration . (identifier) @name)) @definition.constant)
(enum_class_body (property_declaration (variable_declaration . (identifier) @name)) @definition.constant)
((class_parameter . (modifiers)? . ["val" "var"] . (identifier) @name) @definition.field)

(lambda_literal) @local
(anonymous_function) @local

; References

(call_expression . [(identifier) @reference.call (navigation_expression (identifier) @reference.call .)])
((navigation_expression . (identifier) @reference.type) (#match? @reference.type "^[A-Z]"))
(callable_reference (identifier) @reference.call .)
(user_type (identifier) @reference.type .)
(import (qualified_identifier (identifier) @reference.import .))

; Imports

(import (qualified_identifier) @import)
