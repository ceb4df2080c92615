{% macro contract_key() %}
    {%- for constraint in model.constraints if constraint.type | string == 'primary_key' -%}
        {{ return(constraint.columns) }}
    {%- endfor -%}
    {%- for column in model.columns.values() -%}
        {%- for constraint in column.constraints if constraint.type | string == 'primary_key' -%}
            {{ return([column.name]) }}
        {%- endfor -%}
    {%- endfor -%}
    {{ return([]) }}
{% endmacro %}
