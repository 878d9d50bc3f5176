-- A graph as a person reads it, as lamas.domain.ExecutionGraph prints itself.
CREATE OR REPLACE MACRO graph_text(layers) AS
array_to_string(list_transform(layers, lambda part: array_to_string(part, ' ∥ ')), ' → ');
