{% macro retyped_columns() %}
    {%- set found = [] -%}
    {%- for name, held in table_columns().items() if name in model.columns -%}
        {%- set before, after = plain_type(held), plain_type(model.columns[name].data_type) -%}
        {%- if before != after -%}
            {%- do found.append({'name': name, 'before': before, 'after': after, 'wider': is_wider(before, after)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
