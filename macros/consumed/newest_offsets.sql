{% macro newest_offsets(model=none) -%}
    select model, input, table_uuid, max_by(coalesce(batch, snapshot_id), build) as newest
    from {{ ops_relation('consumed') }}
    {%- if model %}
    where model = '{{ model }}'
    {%- endif %}
    group by model, input, table_uuid
    order by max(build)
{%- endmacro %}
