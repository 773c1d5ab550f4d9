"""The Flight SQL wire: messages, schemas, SqlInfo, tickets; a leaf over pyarrow and protobuf."""
