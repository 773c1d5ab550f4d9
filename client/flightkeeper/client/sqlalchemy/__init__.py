"""The dialect `flightkeeper` of SQLAlchemy 2; nothing here is loaded unless SQLAlchemy asks.

create_engine("flightkeeper://ada@h1:31337?transport=tcp&host=h2:31337")
create_engine("flightkeeper+zk://h1:2181/chroot?host=h2:2181&service=analytics")
create_engine("flightkeeper+dir:///srv/registry?service=analytics")
"""
