{% macro new_batches(state=none) -%}
    {%- if state is not none -%}
        {%- set input, column, head = state, '_batch', 'select max(_batch) from ' ~ state -%}
    {%- elif model.sources | length == 1 -%}
        {%- set input = source(*model.sources[0]) -%}
        {%- set column = 'batch' -%}
        {%- set head = 'select max(batch) from "' ~ input.schema ~ '"."' ~ input.identifier ~ '$partitions"' -%}
    {%- elif execute -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' has ' ~ model.sources | length ~ ' sources: new_batches() is for a model of one,'
            ~ ' new_batches(ref(...)) for a state table'
        ) -%}
    {%- endif -%}
    {%- if execute -%}
        {%- set bounds = offsets(input, head) -%}
        {{ column }} > {{ bounds.consumed }} and {{ column }} <= {{ bounds.head }}
        {{- consumed_mark(input, 'batch', bounds) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
