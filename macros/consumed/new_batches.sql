{% macro new_batches(state=none) -%}
    {%- if not execute -%}{{ return('true') }}{%- endif -%}
    {%- if state is not none -%}
        {%- set bounds = offsets(state, iceberg_uuid(state), 'select max(_batch) from ' ~ state) -%}
        _batch > {{ bounds.consumed }} and _batch <= {{ bounds.head }}{{ consumed_mark(state, 'batch', bounds) }}
    {%- else -%}
        {%- set bronze = only_source() -%}
        {%- set partitions = '"' ~ bronze.schema ~ '"."' ~ bronze.identifier ~ '$partitions"' -%}
        {%- set bounds = offsets(bronze, '', 'select max(batch) from ' ~ partitions) -%}
        batch > {{ bounds.consumed }} and batch <= {{ bounds.head }}{{ consumed_mark(bronze, 'batch', bounds) }}
    {%- endif -%}
{%- endmacro %}
