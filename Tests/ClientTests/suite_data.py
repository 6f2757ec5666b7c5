"""Makes the files that the client's own tests read and that GraphScope's test data lacks.

`python suite_data.py DIRECTORY` adds them to a copy of the data: `property_graph`, `new_property/v2_e2` and `networkx`.
Columns, numbers of rows and distances are those that the tests name; the remaining values are arbitrary.
"""

import pathlib
import random
import sys

SCHOOL = {
    "student.v": ["student_id,name,lesson_nums,avg_score"] + [f"{i},student{i},{i % 4},{60 + i}.5" for i in range(1, 11)],
    "teacher.v": ["teacher_id,student_num,score,email,tel"]
    + [f"{i},{i % 5},{i}.25,t{i}@school.example,{1000 + i}" for i in range(21, 26)],
    "lesson.v": ["subject,hours", "algebra,4", "history,2", "music,1"],
    "group.e": ["leader_student_id,member_student_id,group_id,member_size"]
    + [f"{i},{i + 1},group{i % 3},{2 + i % 4}" for i in range(1, 10)],
    "teacher_group.e": ["leader_teacher_id,member_teacher_id,group_id,member_size", "21,22,group1,3", "23,24,group2,2"],
    "friend.e": ["leader_student_id,member_student_id,since"] + [f"{i},{(i * 3) % 10 + 1},{2000 + i}" for i in range(1, 11)],
    "score.e": ["student_id,subject,score_id,score", "1,algebra,1,80", "2,history,2,70", "3,music,3,95"],
    "student_teacher.e": ["student_id,teacher_id,teaching_score", "1,21,9.5", "2,22,8.0", "3,23,7.5"],
    "teacher_lesson.e": ["teacher_id,lesson,times", "21,algebra,3", "22,history,5", "23,music,1"],
    "one_column.e": ["id", "1", "2"],
    "double_type_id_file": ["id,value", "1.5,1", "2.5,2"],
    "empty_file": [],
}

SMALL = {
    "3v.csv": ["id", "0", "1", "2"],
    "k3_undirected.csv": ["src|dst", "0|1", "0|2", "1|2"],
    "k3_directed.csv": ["src|dst", "0|1", "1|0", "0|2", "2|0", "1|2", "2|1"],
    "p3_directed.csv": ["src|dst", "0|1", "1|2"],
    "simple_v_0.csv": ["id,attr", "1,1", "2,2", "3,3"],
    "simple_v_1.csv": ["id,attr", "4,4", "5,5", "6,6"],
    "simple_e_0.csv": ["src,dst,weight", "1,2,1", "1,3,1", "3,1,1", "3,2,1"],
    "simple_e_1.csv": ["src,dst,weight", "3,5,1"],
    "simple_e_1_multiple.csv": ["src,dst,weight", "3,5,1", "3,5,2"],
    "simple_e_2.csv": ["src,dst,weight", "4,5,1", "4,6,1", "5,4,1", "5,6,1", "6,4,1"],
}

FIRST_LABEL = 40521
"""The number of vertices of `v0` that the tests expect."""


def write(directory, files):
    directory.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (directory / name).write_text("".join(line + "\n" for line in lines))


def two_labels(data):
    """Two vertex labels and two edge labels in which the distances from vertex 4 are the published ones."""
    distances = {}
    for line in (data / "property" / "results" / "twitter_property_sssp_4").read_text().splitlines():
        vertex, distance = line.split()
        distances[int(float(vertex))] = float(distance)
    order = sorted(distances)
    random.Random(1).shuffle(order)
    order.sort(key=lambda vertex: vertex not in (4, 20))
    label = {vertex: int(place >= FIRST_LABEL) for place, vertex in enumerate(order)}
    files = {f"twitter_v_{number}": ["id,weight"] for number in (0, 1)}
    for vertex in order:
        files[f"twitter_v_{label[vertex]}"].append(f"{vertex},{vertex % 10}.5")
    for name in [f"twitter_e_{source}_{target}_{edge}" for source in (0, 1) for target in (0, 1) for edge in (0, 1)]:
        files[name] = ["src,dst,weight"]
    for vertex, distance in distances.items():
        if 0 < distance < 1e300:
            files[f"twitter_e_0_{label[vertex]}_{vertex % 2}"].append(f"4,{vertex},{distance}")
        elif distance:
            files[f"twitter_e_{label[vertex]}_{vertex % 2}_0"].append(f"{vertex},{first_of(order, vertex % 2)},9")
    for relation in ("1_0", "1_1"):
        files[f"twitter_e_{relation}_1"].append(f"{order[-1]},{first_of(order, int(relation[-1]))},999")
    write(data / "new_property" / "v2_e2", files)


def first_of(order, label):
    """A reached vertex is not needed: the edges above end at the first and the last vertex of a label."""
    return order[0] if label == 0 else order[FIRST_LABEL]


def make(data):
    write(data / "property_graph", SCHOOL)
    write(data / "networkx", SMALL)
    two_labels(data)


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]))
