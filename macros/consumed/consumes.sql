{% macro consumes(input) -%}
    {%- set head = 'select snapshot_id from "' ~ input.schema ~ '"."' ~ input.identifier ~ '$refs" where name = \'main\'' -%}
    {{ consumed_mark(input, 'snapshot', offsets(input, head)) }}
{%- endmacro %}
