; Definitions. A `clause` is a piece of a function: pieces that follow each other make one definition.

((call target: (identifier) @_define (arguments . (alias) @name)) @definition.module
  (#eq? @_define "defmodule"))
((call target: (identifier) @_define (arguments . (alias) @name)) @definition.interface
  (#eq? @_define "defprotocol"))
((call target: (identifier) @_define (arguments . (alias) @name)) @definition.impl
  (#eq? @_define "defimpl"))
((call
  target: (identifier) @_define
  (arguments . [
    (identifier) @name
    (call target: (identifier) @name)
    (binary_operator left: [(identifier) @name (call target: (identifier) @name)] operator: "when")
  ])) @definition.clause
  (#any-of? @_define "def" "defp" "defdelegate" "defguard" "defguardp" "defn" "defnp" "defmacro" "defmacrop"))
((unary_operator operator: "@" operand: (call target: (identifier) @name (arguments . (_)))) @definition.constant
  (#not-match? @name "^(?:(?:module|type|short)?doc|(?:macro)?callback|typep?|opaque|spec|impl|behaviour|derive|enforce_keys|deprecated|since|dialyzer|compile|(?:before|after)_compile|on_(?:load|definition)|external_resource|(?:module|describe)?tag|requirements)$"))
((unary_operator operator: "@" operand: (call target: (identifier) @_about)) @leading
  (#any-of? @_about "doc" "spec" "impl" "deprecated"))
(anonymous_function) @local

; References

((call target: [(identifier) @reference.call (dot right: (identifier) @reference.call)])
  (#not-match? @reference.call
    "^(?:def\\w*|alias|import|require|use|if|case|cond|for|unless|with|quote|unquote|receive|(?:module|type)?doc|spec|impl|typep?)$"))
(binary_operator operator: "|>" right: (identifier) @reference.call)
(alias) @reference.type

; Imports

((call target: (identifier) @_bring (arguments . [(alias) (dot)] @import))
  (#any-of? @_bring "alias" "import" "require" "use"))
