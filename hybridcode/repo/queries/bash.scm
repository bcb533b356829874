; Definitions

(function_definition name: (word) @name) @definition.function
(program (variable_assignment name: (variable_name) @name) @definition.constant)
(program (if_statement (variable_assignment name: (variable_name) @name) @definition.constant))
(program (if_statement (_ (variable_assignment name: (variable_name) @name) @definition.constant)))
(program (declaration_command (variable_assignment name: (variable_name) @name) @definition.constant))
(program
  (if_statement (declaration_command (variable_assignment name: (variable_name) @name) @definition.constant)))

(declaration_command (variable_assignment) @of) @extent

; References

(command_name (word) @reference.call)

; Imports

((command name: (command_name (word) @_source) . argument: [
  (word) @import
  (string) @import
  (raw_string) @import
])
  (#any-of? @_source "source" "."))
