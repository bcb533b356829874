; What C and C++ share. The names of declarators are taken out of them by the program (they nest without end).

(function_definition) @definition.function
(translation_unit (declaration) @definition.declaration)
(declaration_list (declaration) @definition.declaration)
(linkage_specification body: (declaration) @definition.declaration)
(preproc_ifdef (declaration) @definition.declaration)
(preproc_if (declaration) @definition.declaration)
(preproc_else (declaration) @definition.declaration)
(preproc_elif (declaration) @definition.declaration)
(ERROR (declaration) @definition.declaration)
(type_definition) @definition.type
(struct_specifier name: (_) @name body: (_)) @definition.class
(union_specifier name: (_) @name body: (_)) @definition.class
(enum_specifier name: (_) @name body: (_)) @definition.enum
(struct_specifier name: (_) body: (_ (field_declaration) @definition.declaration))
(struct_specifier name: (_) body: (_ (_ (field_declaration) @definition.declaration)))
(union_specifier name: (_) body: (_ (field_declaration) @definition.declaration))
(preproc_def name: (_) @name) @definition.constant
(preproc_function_def name: (_) @name) @definition.macro

; References

(call_expression function: [(identifier) @reference.call (field_expression field: (field_identifier) @reference.call)])
(type_identifier) @reference.type

; Imports

(preproc_include path: [(system_lib_string) @import (string_literal (string_content) @import)])
