{% macro contract_columns() %}
    {#- A unit test runs under its own node: the contract is the tested model's. -#}
    {%- set node = graph.nodes[model.tested_node_unique_id or model.unique_id] if execute else model -%}
    {{ return(node.columns) }}
{% endmacro %}
