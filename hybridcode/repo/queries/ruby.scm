; Definitions

(module name: (_) @name) @definition.module
(class name: (_) @name) @definition.class
(method name: (_) @name) @definition.function
(singleton_method name: (_) @name) @definition.function
((assignment
  left: (constant) @name
  right: (call receiver: (constant) @_maker method: (identifier) @_make block: (_))) @definition.class
  (#any-of? @_maker "Struct" "Class" "Module" "Data")
  (#any-of? @_make "new" "define"))
(assignment left: (constant) @name) @definition.constant

(call !receiver arguments: (argument_list . [(method) (singleton_method)] @of .)) @extent

; References

(call method: [(identifier) (constant)] @reference.call)
(constant) @reference.type

; Imports

((call method: (identifier) @_require arguments: (argument_list . (string (string_content) @import)))
  (#any-of? @_require "require" "require_relative" "load" "autoload"))
